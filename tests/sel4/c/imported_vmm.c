/* A VMM as people write them for libvmm by hand: examples/imported-guest has the system file of one. */
#include <microkit.h>

#include <libvmm/libvmm.h>

#define RAM_GPA 0x40000000u
#define RAM_BYTES 0x8000000u
/* Where the device tree says that the RAM disk is. */
#define INITRD_GPA 0x47000000u
#define DTB_GPA 0x47f00000u

#define UART_IRQ 33
#define UART_CHANNEL 1
#define DISK_IRQ 79
#define DISK_CHANNEL 2

/* The linker's, of the files that are linked in. */
extern const char _binary_kernel_start[], _binary_kernel_end[];
extern const char _binary_dtb_start[], _binary_dtb_end[];
extern const char _binary_initrd_start[], _binary_initrd_end[];

/* The system file's. */
uintptr_t guest_ram_vaddr;

static size_t bytes(const char *start, const char *end)
{
    return (size_t)((uintptr_t)end - (uintptr_t)start);
}

void init(void)
{
    const arch_guest_init_t arguments = {
        .num_vcpus = 1,
        .num_guest_ram_regions = 1,
        .guest_ram_regions = { { .gpa_start = RAM_GPA, .size = RAM_BYTES, .vmm_vaddr = (void *)guest_ram_vaddr } },
    };
    if (!guest_init(arguments)) {
        return;
    }
    const uint64_t entry_gpa = linux_setup_images(
        RAM_GPA, (uintptr_t)_binary_kernel_start, bytes(_binary_kernel_start, _binary_kernel_end),
        (uintptr_t)_binary_dtb_start, DTB_GPA, bytes(_binary_dtb_start, _binary_dtb_end),
        (uintptr_t)_binary_initrd_start, INITRD_GPA, bytes(_binary_initrd_start, _binary_initrd_end));
    const bool registered = virq_register_passthrough(ARM_GIC_IRQ_ROUTE(0, UART_IRQ), UART_CHANNEL) &&
                            virq_register_passthrough(ARM_GIC_IRQ_ROUTE(0, DISK_IRQ), DISK_CHANNEL);
    if (entry_gpa != 0 && registered) {
        guest_start(entry_gpa, DTB_GPA, INITRD_GPA);
    }
}

void notified(microkit_channel channel)
{
    (void)virq_handle_passthrough(channel);
}

seL4_Bool fault(microkit_child child, microkit_msginfo info, microkit_msginfo *reply)
{
    const bool handled = fault_handle(child, info);
    if (handled) {
        *reply = microkit_msginfo_new(0, 0);
    }
    return handled;
}
