/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/mmio.h>
#include <sdfgen/uart.h>

static uint32_t load(const struct uart *uart, uint32_t offset)
{
    return mmio_load_u32(uart->config->registers_vaddr + offset);
}

static void store(const struct uart *uart, uint32_t offset, uint32_t value)
{
    mmio_store_u32(uart->config->registers_vaddr + offset, value);
}

static void change(const struct uart *uart, uint32_t offset, uint32_t clear, uint32_t set)
{
    store(uart, offset, (load(uart, offset) & ~clear) | set);
}

static bool has_received(const struct uart *uart)
{
    return (load(uart, uart->config->facts.status) & uart->config->facts.receive_empty) == 0;
}

static bool can_send(const struct uart *uart)
{
    return (load(uart, uart->config->facts.status) & uart->config->facts.transmit_full) == 0;
}

void uart_init(struct uart *uart, const struct uart_config *config)
{
    const struct uart_facts *facts = &config->facts;
    uart->config = config;
    uart->sent_bytes = 0;
    uart->received_bytes = 0;
    uart->lost_bytes = 0;
    serial_reader_init(&uart->output, &config->mux.tx);
    serial_writer_init(&uart->input, &config->mux.rx);
    for (uint32_t i = 0; i < facts->setup_count; i++) {
        change(uart, facts->setup[i].offset, facts->setup[i].clear, facts->setup[i].set);
    }
    change(uart, facts->interrupts, facts->transmit_interrupt, facts->receive_interrupt);
}

/* Whether there is something for the multiplexer. */
static bool receive(struct uart *uart)
{
    uint32_t room = serial_room(&uart->input);
    bool received = false;
    for (uint32_t most = uart->config->mux.rx.size_bytes; most > 0 && has_received(uart); most--) {
        const uint8_t byte = (uint8_t)load(uart, uart->config->facts.receive);
        uart->received_bytes++;
        if (room > 0) {
            serial_put(&uart->input, byte);
            room--;
            received = true;
        } else {
            uart->lost_bytes++;
        }
    }
    serial_publish(&uart->input);
    return received;
}

/* Whether the multiplexer waits for room that there is now. */
static bool send(struct uart *uart)
{
    const struct uart_facts *facts = &uart->config->facts;
    uint32_t filled = serial_filled(&uart->output);
    bool sent = false;
    for (; filled > 0 && can_send(uart); filled--) {
        store(uart, facts->transmit, serial_take(&uart->output));
        uart->sent_bytes++;
        sent = true;
    }
    change(uart, facts->interrupts, facts->transmit_interrupt, filled > 0 ? facts->transmit_interrupt : 0);
    return sent && serial_release(&uart->output);
}

bool uart_step(struct uart *uart)
{
    const struct uart_facts *facts = &uart->config->facts;
    if (facts->acknowledges) {
        store(uart, facts->acknowledge, UINT32_MAX);
    }
    const bool received = receive(uart);
    const bool released = send(uart);
    return received || released;
}
