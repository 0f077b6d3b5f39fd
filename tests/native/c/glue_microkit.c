/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <sys/mman.h>

#include <sdfgen/counter.h>

#include "glue_fake.h"

struct fake fake;
char microkit_name[MICROKIT_PD_NAME_LENGTH] = "test_pd";

void microkit_dbg_puts(const char *text)
{
    CHECK(strlen(fake.console) + strlen(text) < sizeof(fake.console));
    strcat(fake.console, text);
    fake.puts_count++;
}

void microkit_notify(microkit_channel channel)
{
    CHECK(channel < MICROKIT_MAX_CHANNELS);
    fake.notified_count[channel]++;
}

void microkit_irq_ack(microkit_channel channel)
{
    CHECK(channel < MICROKIT_MAX_CHANNELS);
    fake.acknowledged_count[channel]++;
}

uint64_t counter_ticks(void)
{
    fake.now_ticks += fake.look_ticks;
    return fake.now_ticks;
}

uint64_t counter_hz(void)
{
    return FAKE_TICKS_IN_MS * 1000;
}

microkit_msginfo microkit_msginfo_new(seL4_Word label, uint16_t count)
{
    return (microkit_msginfo){ { label << 12 | count } };
}

seL4_Word microkit_msginfo_get_label(microkit_msginfo msginfo)
{
    return msginfo.words[0] >> 12;
}

void *fake_map(uintptr_t address, size_t size_bytes)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    void *memory = mmap((void *)address, size_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    CHECK(memory == (void *)address);
    return memory;
}

uint32_t fake_notifications(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < MICROKIT_MAX_CHANNELS; i++) {
        count += fake.notified_count[i];
    }
    return count;
}
