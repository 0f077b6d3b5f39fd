/*
 * A UART driver as sDDF's are: told of its queues in a section of its own. When an XOFF is typed, it takes nothing for
 * HANG_S seconds, until the alarm of the real-time clock; what it receives meanwhile it hands on.
 */
#include <microkit.h>

#include <sdfgen/mmio.h>
#include <sdfgen/serial_queue.h>

/* HANG_S comes from who compiles this. */
#define UART_IRQ 0
#define CLOCK_IRQ 1
#define XOFF 0x13

#define UARTDR 0x00
#define UARTFR 0x18
#define UARTFR_RXFE 0x10
#define UARTFR_TXFF 0x20
#define UARTLCR_H 0x2c
#define UARTLCR_H_BYTES_BY_FIFO 0x70
#define UARTCR 0x30
#define UARTCR_ON 0x301
#define UARTIMSC 0x38
#define UARTIMSC_RECEIVED 0x50
#define UARTICR 0x44

#define RTCDR 0x00
#define RTCMR 0x04
#define RTCIMSC 0x10
#define RTCICR 0x1c

/* sDDF 0.7, include/sddf/serial/config.h. */
struct range {
    void *vaddr;
    uint64_t size;
};

struct link {
    struct range queue;
    struct range data;
    uint8_t id;
};

struct driver {
    char magic[5];
    struct link rx;
    struct link tx;
    uint64_t default_baud;
    bool rx_enabled;
};

__attribute__((section(".serial_driver_config"), used)) struct driver config;

/* The system file's. */
uintptr_t uart_base;
uintptr_t clock_base;

static struct serial_reader output;
static struct serial_writer input;
static bool hangs;

static void hang(void)
{
    hangs = true;
    mmio_store_u32(clock_base + RTCMR, mmio_load_u32(clock_base + RTCDR) + HANG_S);
    mmio_store_u32(clock_base + RTCIMSC, 1);
}

static void receive(void)
{
    while ((mmio_load_u32(uart_base + UARTFR) & UARTFR_RXFE) == 0) {
        const uint8_t byte = (uint8_t)mmio_load_u32(uart_base + UARTDR);
        if (byte == XOFF) {
            hang();
        } else if (serial_room(&input) > 0) {
            serial_put(&input, byte);
        }
    }
    serial_publish(&input);
    microkit_notify(config.rx.id);
}

static void send(void)
{
    for (uint32_t filled = serial_filled(&output); filled > 0; filled--) {
        while ((mmio_load_u32(uart_base + UARTFR) & UARTFR_TXFF) != 0) {
        }
        mmio_store_u32(uart_base + UARTDR, serial_take(&output));
    }
    if (serial_release(&output)) {
        microkit_notify(config.tx.id);
    }
}

static struct console_queue queue(const struct link *link)
{
    return (struct console_queue){
        .indices_vaddr = (uintptr_t)link->queue.vaddr,
        .data_vaddr = (uintptr_t)link->data.vaddr,
        .size_bytes = (uint32_t)link->data.size,
    };
}

void init(void)
{
    const struct console_queue tx = queue(&config.tx), rx = queue(&config.rx);
    serial_reader_init(&output, &tx);
    serial_writer_init(&input, &rx);
    mmio_store_u32(uart_base + UARTLCR_H, UARTLCR_H_BYTES_BY_FIFO);
    mmio_store_u32(uart_base + UARTCR, UARTCR_ON);
    mmio_store_u32(uart_base + UARTIMSC, UARTIMSC_RECEIVED);
}

void notified(microkit_channel channel)
{
    if (channel == UART_IRQ) {
        mmio_store_u32(uart_base + UARTICR, UINT32_MAX);
        receive();
    } else if (channel == CLOCK_IRQ) {
        mmio_store_u32(clock_base + RTCICR, 1);
        hangs = false;
    }
    if (!hangs) {
        send();
    }
    if (channel == UART_IRQ || channel == CLOCK_IRQ) {
        microkit_irq_ack(channel);
    }
}
