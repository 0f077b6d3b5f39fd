/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The multiplexer: everybody's output on one UART, and what is typed to one of them at a time.
 *
 * Two modes. In *lines*, which it begins in, each line of a client's is shown behind the client's name, as the table has
 * it: "NAME| line". Nothing a client writes begins a line, moves the cursor or reaches the terminal otherwise: '\n' ends
 * the line, '\r' is dropped, '\b' takes back what stands before it in the line, and any other byte but printable ASCII
 * and the tab is shown as \xNN. So no client passes a line off as another's. Whole lines are shown; of the client that
 * has the input also what has begun, such as a prompt, which is shown again below what comes in between. In *full
 * screen* the client that has the input has the terminal, unfiltered. What the others write is kept, CONSOLE_MUX_KEPT_BYTES
 * of each; older bytes are lost then, and counted. When it is left, the terminal is reset and what was kept is shown.
 *
 * The input goes to one client, the focus: at first the first. Ctrl-\ begins a command, as in sDDF:
 *   number, Enter   that client has the input
 *   f               full screen, or lines again
 *   l               which client has which number
 *   Ctrl-\          a Ctrl-\ for the client
 * Any other key is no command, and nobody's input.
 *
 * Whom it believes: nobody. Queues whose indices make no sense are not looked at any more (serial_queue.h), and the
 * others notice nothing. A client that stops taking input loses it, alone. In one step each client is served what was
 * there when the step began, CONSOLE_MUX_TURN_BYTES a turn, the focus first; all together as much as the driver has room
 * for. A client whose queue is full waits. So a step is bounded, whatever the others do meanwhile, and an echo waits for
 * what the driver's queue holds and a turn of everybody else.
 *
 * A driver that takes nothing for CONSOLE_MUX_PATIENCE_MS although somebody waits is *gone*: so is one that has broken its
 * queue, at once and for good. What clients write is kept then as in full screen, the newest, and lost beyond that and
 * counted, so that nobody waits for it; what is typed still reaches the focus. When it takes something again, that is
 * said, and what was kept is shown.
 *
 * Freestanding, and without system calls: the caller notifies the channels of a step's result.
 */
#pragma once

#include <sdfgen/serial_queue.h>

#define CONSOLE_MUX_MAX_CLIENTS 60u
#define CONSOLE_MUX_TURN_BYTES 256u
#define CONSOLE_MUX_KEPT_BYTES 4096u
#define CONSOLE_MUX_NAME_BYTES 64u
/* Of a line; a longer one is continued on the next. */
#define CONSOLE_MUX_TEXT_BYTES 512u
#define CONSOLE_MUX_ESCAPE 0x1cu
#define CONSOLE_MUX_NOBODY UINT32_MAX
/* At 300 bits a second a driver takes a byte in 33 ms. */
#define CONSOLE_MUX_PATIENCE_MS 2000u
#define CONSOLE_MUX_NEVER UINT64_MAX

/* What came of a client and went to it; and of all, as the UART has it. */
struct console_mux_counters {
    uint64_t out_bytes;
    uint64_t out_lines;
    uint64_t out_lost; /* bytes */
    uint64_t in_bytes;
    uint64_t in_lost;
    uint64_t focus_changes; /* by keys; of a client, those that gave it the input */
    uint64_t cut_offs;      /* of its queues, those whose indices made no sense; how often the driver was gone */
};

/* What a client has written since its last '\n', as it is shown. console_mux_line.c's. */
struct console_mux_line {
    char text[CONSOLE_MUX_TEXT_BYTES];
    uint32_t used_bytes;
    bool continues; /* a line that was too long */
};

/* What a client wrote while somebody else had the screen: the newest of it. console_mux_kept.c's. */
struct console_mux_kept {
    uint8_t bytes[CONSOLE_MUX_KEPT_BYTES];
    uint32_t first;
    uint32_t count;
    uint64_t lost; /* since that was told last */
};

struct console_mux_row {
    const char *name;
    uint32_t channel;
    struct serial_reader output;
    struct serial_writer input;
    uint32_t left_bytes; /* of its output, that this step may take */
    bool took;
    bool gave;
    struct console_mux_counters counters;
    struct console_mux_line line;
    struct console_mux_kept kept;
};

enum console_mux_typing {
    CONSOLE_MUX_PLAIN,
    CONSOLE_MUX_COMMAND, /* behind Ctrl-\ */
    CONSOLE_MUX_NUMBER,
};

struct console_mux {
    const char *name; /* what its own lines begin with */
    struct serial_writer screen;
    struct serial_reader keyboard;
    uint32_t uart_channel;
    uint32_t received_channel;
    uint32_t row_count;
    uint32_t input_count;
    uint32_t focus;  /* CONSOLE_MUX_NOBODY where nobody takes input */
    uint32_t turn;   /* who is first after the focus */
    uint32_t shown;  /* whose unfinished line the cursor is in, or CONSOLE_MUX_NOBODY */
    uint32_t listed; /* how many names of a list that was asked for were shown */
    bool full_screen;
    bool waits; /* something was left for want of room */
    bool put;
    bool gone;      /* the driver */
    bool came_back; /* the driver, and that was not said yet */
    uint64_t now_ms;
    uint64_t took_ms; /* when the driver had last taken something, or had nothing to take */
    uint32_t taken;   /* an index that moves when the driver takes something */
    struct console_mux_counters counters;
    uint32_t room_bytes; /* of the screen's queue, as this step knows it */
    uint32_t typed_left; /* bytes of input that this step may take */
    enum console_mux_typing typing;
    uint32_t number;
    struct console_mux_row rows[CONSOLE_MUX_MAX_CLIENTS];
};

/* `name` is its own. `config` must outlive it; a table that is too long is cut. */
void console_mux_init(struct console_mux *mux, const char *name, const struct console_mux_config *config);

/*
 * Somebody notified, whoever it was, or it is time to. The channels to notify: bit n for channel n. Where nobody knows the
 * time, `now_ms` is always 0, and a driver that only stands still is never gone.
 */
uint64_t console_mux_step(struct console_mux *mux, uint64_t now_ms);

/* When the next step is due although nobody notified. */
uint64_t console_mux_wake_ms(const struct console_mux *mux);
