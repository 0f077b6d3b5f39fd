#if defined(BOARD_odroidc4)
#define GUEST_INIT_RAM_DISK_VADDR 0x1000
#elif defined(BOARD_qemu_virt_aarch64)
#define GUEST_INIT_RAM_DISK_VADDR 0x40700000
#else
#error no board
#endif
