/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "driver_vm.h"

#include <sdfgen/shared.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

/* GICv2: a bit for each interrupt, which sets it pending once. */
#define GICD_ISPENDR 0x08000200u
#define PAGE_BYTES 4096u

bool driver_vm_map(int fd, uint64_t offset, uint64_t size_bytes, uintptr_t vaddr)
{
    int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *wanted = (void *)vaddr;
    void *memory = mmap(wanted, size_bytes, PROT_READ | PROT_WRITE, kind | MAP_FIXED_NOREPLACE, fd, (off_t)offset);
    return memory == wanted;
}

static FILE *connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line < 0 || strlen(path) >= sizeof(address.sun_path)) {
        return NULL;
    }
    (void)strcpy(address.sun_path, path);
    return connect(line, (const struct sockaddr *)&address, sizeof(address)) == 0 ? fdopen(line, "r+") : NULL;
}

bool driver_vm_open(struct driver_vm *vm, int ram_fd, uint64_t notify_offset, const char *qtest_path, uint32_t intid)
{
    void *page = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, ram_fd, (off_t)notify_offset);
    vm->notifications = page;
    vm->intid = intid;
    vm->qtest = connect_to(qtest_path);
    return page != MAP_FAILED && vm->qtest != NULL;
}

bool driver_vm_interrupt(struct driver_vm *vm)
{
    char answer[64];
    uint32_t address = GICD_ISPENDR + vm->intid / 32 * 4;
    (void)fprintf(vm->qtest, "writel 0x%x 0x%x\n", address, UINT32_C(1) << vm->intid % 32);
    (void)fflush(vm->qtest);
    return fgets(answer, sizeof(answer), vm->qtest) != NULL && strncmp(answer, "OK", 2) == 0;
}

bool driver_vm_notified(struct driver_vm *vm)
{
    uint32_t count = shared_load_acquire_u32(vm->notifications);
    bool notified = count != vm->seen_notifications;
    vm->seen_notifications = count;
    return notified;
}
