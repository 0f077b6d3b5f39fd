/* Made by sdfgen for monitored on qemu_virt_aarch64: changes are lost at the next build. */
#include <sdfgen/monitor.h>

static const struct monitor_row block_virt_rows[] = {
    { .name = "", .kind = COUNTERS_SERVICE },
    { .name = "client1_0", .kind = COUNTERS_REQUESTS },
    { .name = "client1_logs", .kind = COUNTERS_REQUESTS },
};

static const struct monitor_row client1_vmm_rows[] = {
    { .name = "", .kind = COUNTERS_VMM },
    { .name = "console", .kind = COUNTERS_REQUESTS },
    { .name = "disk_0", .kind = COUNTERS_REQUESTS },
    { .name = "disk_logs", .kind = COUNTERS_REQUESTS },
};

static const struct monitor_row client2_vmm_rows[] = {
    { .name = "", .kind = COUNTERS_VMM },
    { .name = "console", .kind = COUNTERS_REQUESTS },
};

static const struct monitor_row storage_vmm_rows[] = {
    { .name = "", .kind = COUNTERS_VMM },
    { .name = "console", .kind = COUNTERS_REQUESTS },
    { .name = "uio_block", .kind = COUNTERS_REQUESTS },
};

static const struct monitor_page pages[] = {
    { .name = "block_virt", .vaddr = 0x80000000, .rows = block_virt_rows, .row_count = 3 },
    { .name = "client1_vmm", .vaddr = 0x80001000, .rows = client1_vmm_rows, .row_count = 4 },
    { .name = "client2_vmm", .vaddr = 0x80002000, .rows = client2_vmm_rows, .row_count = 2 },
    { .name = "storage_vmm", .vaddr = 0x80003000, .rows = storage_vmm_rows, .row_count = 3 },
};

const struct monitor_config monitor_config = { .pages = pages, .page_count = 4, .interval_looks = 5 };
