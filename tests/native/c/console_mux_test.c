/* SPDX-License-Identifier: BSD-2-Clause */
/* The multiplexer: what is shown of whom, who gets what is typed, and what clients and drivers can't do. */
#include "console_rig.h"

#define SHOWS(text) CHECK(strcmp(rig_shown(&rig), (text)) == 0)
#define HEARS(client, text) CHECK(strcmp(rig_heard(&rig, (client)), (text)) == 0)

static struct rig rig;

static void a_line_has_its_clients_name(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, ANN, "hello\n");
    SHOWS("ann| hello\r\n");
    rig_write(&rig, BOB, "hello too\n");
    SHOWS("bob| hello too\r\n");
    rig_write(&rig, ANN_VMM, "the guest starts again\n");
    SHOWS("ann_vmm| the guest starts again\r\n");
}

static void a_prompt_of_the_focus_is_shown_at_once(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, ANN, "login: ");
    SHOWS("ann| login: ");
    rig_write(&rig, ANN, "r");
    SHOWS("r");
}

static void what_others_begin_waits_for_its_end(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, BOB, "login: ");
    SHOWS("");
    rig_write(&rig, BOB, "bob\n");
    SHOWS("bob| login: bob\r\n");
}

static void a_prompt_is_shown_again_below_what_comes_in_between(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, ANN, "login: ro");
    (void)rig_shown(&rig);
    rig_write(&rig, BOB, "one\ntwo\n");
    SHOWS("\r\nbob| one\r\nbob| two\r\nann| login: ro");
    rig_write(&rig, ANN, "ot\n");
    SHOWS("ot\r\n");
}

static void a_clients_lines_never_bear_anothers_name(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, BOB, "x\nann| password:\r\rann| \b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\bann| y\n");
    SHOWS("bob| x\r\nbob| ann| y\r\n");
}

static void controls_are_written_out(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, ANN, "\x1b[2J\a\x7f\x80\xff\x9b\tz\n");
    SHOWS("ann| \\x1b[2J\\x07\\x7f\\x80\\xff\\x9b\tz\r\n");
}

static void a_backspace_takes_back(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, ANN, "# lt\b \b");
    SHOWS("ann| # lt\b \b \b \b");
    rig_write(&rig, ANN, "s\n");
    SHOWS("s\r\n");
    rig_write(&rig, BOB, "lt\b \bs\n");
    SHOWS("bob| ls\r\n");
    rig_write(&rig, ANN, "\b\b\b\b");
    SHOWS("");
}

static void put_many(enum rig_client client, char byte, uint32_t count)
{
    for (; count > 0; count--) {
        CHECK(rig_put(&rig.writers[client], &byte, 1) == 1);
    }
}

static void a_long_line_is_continued(void)
{
    rig_start(&rig, 0);
    put_many(BOB, 'x', CONSOLE_MUX_TEXT_BYTES + 1);
    rig_write(&rig, BOB, "\n");
    const char *shown = rig_shown(&rig);
    const char *first_end = strstr(shown, "\r\n");
    CHECK(first_end != NULL && (size_t)(first_end - shown) <= strlen("bob| ") + CONSOLE_MUX_TEXT_BYTES);
    CHECK(strncmp(first_end, "\r\nbob| x", 8) == 0);
    CHECK(strlen(shown) == 2 * strlen("bob| \r\n") + CONSOLE_MUX_TEXT_BYTES + 1);
}

static void the_end_of_a_line_that_was_just_full_is_shown_once(void)
{
    rig_start(&rig, 0);
    put_many(BOB, 'x', CONSOLE_MUX_TEXT_BYTES - 3);
    rig_write(&rig, BOB, "\n\nz\n");
    const char *shown = rig_shown(&rig);
    CHECK(strcmp(strstr(shown, "\r\n"), "\r\nbob| \r\nbob| z\r\n") == 0);
}

static void what_is_typed_goes_to_one(void)
{
    rig_start(&rig, 0);
    rig_type(&rig, "ls\r");
    HEARS(ANN, "ls\r");
    HEARS(BOB, "");
    CHECK((rig.notified & 1u << ANN) != 0 && (rig.notified & 1u << BOB) == 0);
    rig_type(&rig, "\x1c" "1\rid\r");
    HEARS(ANN, "");
    HEARS(BOB, "id\r");
    SHOWS("mux| input goes to bob\r\n");
}

static void what_the_new_focus_has_begun_is_shown(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, BOB, "login: ");
    rig_type(&rig, "\x1c" "1\r");
    SHOWS("mux| input goes to bob\r\nbob| login: ");
}

static void a_number_that_nobody_has_is_told(void)
{
    rig_start(&rig, 0);
    rig_type(&rig, "\x1c" "2\r" "\x1c" "99999999999999999999\r" "a");
    SHOWS("mux| there is no console 2\r\nmux| there is no console 1000\r\n");
    HEARS(ANN, "a");
}

static void other_keys_are_no_commands(void)
{
    rig_start(&rig, 0);
    rig_type(&rig, "\x1c" "xa" "\x1c" "1xb" "\x1c\x1c" "c");
    SHOWS("");
    HEARS(ANN, "ab\x1c" "c");
    HEARS(BOB, "");
}

static void a_list_is_shown(void)
{
    rig_start(&rig, 0);
    rig_type(&rig, "\x1cl");
    SHOWS("mux| 0 * ann\r\nmux| 1   bob\r\n");
}

static void full_screen_is_unfiltered(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, ANN, "vi: ");
    (void)rig_shown(&rig);
    rig_type(&rig, "\x1c" "f");
    SHOWS("\r\nmux| input goes to ann, full screen\r\nvi: ");
    rig_write(&rig, ANN, "\x1b[2J\x1b[H~\r\n\b");
    SHOWS("\x1b[2J\x1b[H~\r\n\b");
    rig_type(&rig, ":q\r");
    HEARS(ANN, ":q\r");
}

static void what_others_write_meanwhile_is_kept(void)
{
    rig_start(&rig, 0);
    rig_type(&rig, "\x1c" "f");
    (void)rig_shown(&rig);
    rig_write(&rig, BOB, "first\n");
    rig_write(&rig, BOB, "second\n");
    SHOWS("");
    rig_type(&rig, "\x1c" "f");
    SHOWS("\x18\x1b\\\x1b" "cmux| input goes to ann\r\nbob| first\r\nbob| second\r\n");
    rig_write(&rig, BOB, "third\n");
    SHOWS("bob| third\r\n");
}

static void of_what_is_kept_the_oldest_is_lost_and_counted(void)
{
    rig_start(&rig, 0);
    rig_type(&rig, "\x1c" "f");
    for (uint32_t i = 0; i < CONSOLE_MUX_KEPT_BYTES / 8 + 2; i++) {
        rig_write(&rig, BOB, i < 2 ? "old....\n" : "new....\n");
    }
    (void)rig_shown(&rig);
    rig_type(&rig, "\x1c" "f");
    const char *shown = rig_shown(&rig);
    CHECK(strstr(shown, "mux| 16 bytes lost of bob\r\nbob| new....\r\n") != NULL);
    CHECK(strstr(shown, "old") == NULL);
}

static void the_terminal_is_reset_between_two_screens(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, BOB, "hi\n");
    rig_type(&rig, "\x1c" "f");
    rig_write(&rig, BOB, "there");
    (void)rig_shown(&rig);
    rig_type(&rig, "\x1c" "1\r");
    SHOWS("\x18\x1b\\\x1b" "cmux| input goes to bob, full screen\r\nthere");
}

static void a_flood_does_not_keep_another_from_being_heard(void)
{
    rig_start(&rig, 0);
    for (uint32_t i = 0; i < 100; i++) {
        while (rig_put(&rig.writers[BOB], "spam spam spam spam\n", 20) == 20) {
        }
        rig_step(&rig);
        CHECK(rig_put(&rig.writers[ANN], "echo\n", 5) == 5);
        const uint32_t before = rig.shown_bytes;
        do {
            (void)rig_send(&rig, UINT32_MAX);
            rig_step(&rig);
        } while (strstr(&rig.shown[before], "ann| echo\r\n") == NULL && rig.shown_bytes - before < 2 * RIG_BYTES);
        rig.shown[rig.shown_bytes] = '\0';
        (void)rig_send(&rig, UINT32_MAX);
        CHECK(strstr(&rig.shown[before], "ann| echo\r\n") != NULL);
        CHECK(rig.shown_bytes - before <= 2 * RIG_BYTES);
        (void)rig_shown(&rig);
        memset(rig.shown, 0, sizeof(rig.shown));
    }
}

/* One has more than the driver has room for: the other has his turn all the same. */
static void who_floods_has_a_turn_and_no_more(void)
{
    rig_start(&rig, 0);
    put_many(BOB, '\n', RIG_BYTES);
    put_many(ANN_VMM, '\n', RIG_BYTES);
    rig_step(&rig);
    (void)rig_send(&rig, UINT32_MAX);
    const char *shown = rig_shown(&rig);
    CHECK(strstr(shown, "bob| \r\n") != NULL && strstr(shown, "ann_vmm| \r\n") != NULL);
}

static void a_step_is_bounded_by_the_drivers_room(void)
{
    rig_start(&rig, 0);
    put_many(BOB, '\n', RIG_BYTES);
    rig_step(&rig);
    CHECK(serial_filled(&rig.seen) <= RIG_BYTES);
    CHECK(rig.screen.indices.producer_signalled == 0);
    CHECK(rig.mux.rows[BOB].output.head < RIG_BYTES);
}

static void nothing_is_lost_when_the_driver_is_slow(void)
{
    rig_start(&rig, 0);
    uint32_t wrote = 0;
    for (uint32_t round = 0; round < 20000 && wrote < 300; round++) {
        char text[16];
        const int size = snprintf(text, sizeof(text), "line %03u\n", (unsigned)wrote);
        wrote += serial_room(&rig.writers[BOB]) >= (uint32_t)size &&
                 rig_put(&rig.writers[BOB], text, (uint32_t)size) == (uint32_t)size;
        rig_step(&rig);
        (void)rig_send(&rig, 7);
    }
    rig_settle(&rig);
    const char *at = rig_shown(&rig);
    for (uint32_t i = 0; i < 300; i++) {
        char wanted[32];
        const int size = snprintf(wanted, sizeof(wanted), "bob| line %03u\r\n", (unsigned)i);
        CHECK(strncmp(at, wanted, (size_t)size) == 0);
        at += size;
    }
    CHECK(*at == '\0');
}

/* Nobody but the driver notifies: what was left must be shown all the same. */
static void the_driver_wakes_who_waits_for_room(void)
{
    rig_start(&rig, 0);
    put_many(ANN, 'a', RIG_BYTES);
    put_many(BOB, 'b', RIG_BYTES);
    rig_step(&rig);
    for (uint32_t round = 0; serial_filled(&rig.seen) > 0; round++) {
        CHECK(round < 100);
        if (rig_send(&rig, UINT32_MAX)) {
            rig_step(&rig);
        }
    }
    CHECK(serial_filled(&rig.mux.rows[ANN].output) == 0 && serial_filled(&rig.mux.rows[BOB].output) == 0);
}

static void a_client_whose_indices_are_a_lie_is_cut_off_alone(void)
{
    rig_start(&rig, 0);
    rig.tx[BOB].indices.tail = RIG_BYTES + 1;
    rig_write(&rig, ANN, "still here\n");
    SHOWS("ann| still here\r\n");
    CHECK(rig.mux.rows[BOB].output.broken);
    rig.rx[ANN].indices.head = 5;
    rig_type(&rig, "x" "\x1c" "1\ry");
    CHECK(rig.mux.rows[ANN].input.broken && rig.mux.rows[ANN].counters.in_lost == 1);
    HEARS(BOB, "y");
}

static void a_client_that_takes_no_input_loses_it_alone(void)
{
    rig_start(&rig, 0);
    for (uint32_t i = 0; i < RIG_BYTES + 10; i++) {
        rig_type(&rig, "x");
    }
    CHECK(rig.mux.rows[ANN].counters.in_lost == 10);
    rig_type(&rig, "\x1c" "1\rhello");
    HEARS(BOB, "hello");
}

static void a_driver_whose_indices_are_a_lie_shows_nothing_and_keeps_nobody_waiting(void)
{
    rig_start(&rig, 0);
    rig.screen.indices.head = 3;
    rig.keyboard.indices.tail = RIG_BYTES + 7;
    CHECK(rig_put(&rig.writers[ANN], "hello\n", 6) == 6);
    rig_step(&rig);
    CHECK(rig.mux.screen.broken && rig.mux.keyboard.broken);
    HEARS(ANN, "");
    CHECK(rig.mux.gone && serial_room(&rig.writers[ANN]) == RIG_BYTES);
}

static void queues_go_on_when_indices_wrap(void)
{
    rig_start(&rig, UINT32_MAX - 3);
    rig_write(&rig, BOB, "over the end\n");
    SHOWS("bob| over the end\r\n");
    rig_type(&rig, "0123456789");
    HEARS(ANN, "0123456789");
}

static void a_client_that_waits_for_room_is_notified(void)
{
    rig_start(&rig, 0);
    rig_settle(&rig);
    rig.notified = 0;
    serial_ask_for_room(&rig.writers[BOB]);
    rig_write(&rig, BOB, "x\n");
    CHECK((rig.notified & 1u << BOB) != 0);
    rig.notified = 0;
    rig_write(&rig, BOB, "x\n");
    CHECK((rig.notified & 1u << BOB) == 0);
}

static void without_input_nobody_has_the_focus(void)
{
    rig_start(&rig, 0);
    rig.config.input_count = 0;
    console_mux_init(&rig.mux, "mux", &rig.config);
    rig_type(&rig, "x\x1c" "f\x1cl\x1c" "0\r");
    SHOWS("mux| there is no console 0\r\n");
    rig_write(&rig, ANN, "begun");
    SHOWS("");
}

/* ---- A driver that takes nothing ---- */

/* As much as its queue takes, which is a step further then. */
static uint32_t flood(enum rig_client client)
{
    uint32_t count = 0;
    while (rig_put(&rig.writers[client], "spam\n", 5) == 5) {
        count += 5;
    }
    rig_step(&rig);
    return count;
}

/* Until nobody else can write; then its time passes. */
static void let_the_driver_be_gone(void)
{
    while (flood(BOB) > 0) {
    }
    rig.now_ms = console_mux_wake_ms(&rig.mux);
    rig_step(&rig);
    CHECK(rig.mux.gone && console_mux_wake_ms(&rig.mux) == CONSOLE_MUX_NEVER);
}

static void a_driver_has_its_time_and_then_nobody_waits_for_it(void)
{
    rig_start(&rig, 0);
    rig.now_ms = 7000;
    while (flood(BOB) > 0) {
    }
    CHECK(console_mux_wake_ms(&rig.mux) == 7000 + CONSOLE_MUX_PATIENCE_MS);
    serial_ask_for_room(&rig.writers[BOB]);
    rig.now_ms += CONSOLE_MUX_PATIENCE_MS - 1;
    rig_step(&rig);
    CHECK(!rig.mux.gone && serial_room(&rig.writers[BOB]) < 5 && (rig.notified & 1u << BOB) == 0);
    rig.now_ms++;
    rig_step(&rig);
    CHECK(rig.mux.gone && serial_room(&rig.writers[BOB]) == RIG_BYTES && (rig.notified & 1u << BOB) != 0);
    for (uint32_t i = 0; i < 100; i++) {
        CHECK(flood(BOB) > 0 && serial_room(&rig.writers[BOB]) == RIG_BYTES);
    }
    const struct console_mux_counters *bob = &rig.mux.rows[BOB].counters;
    CHECK(bob->out_lost > 90 * CONSOLE_MUX_KEPT_BYTES && bob->out_lost < bob->out_bytes);
    CHECK(rig.mux.counters.cut_offs == 1 && rig.mux.rows[ANN].counters.out_lost == 0);
}

static void what_is_typed_is_heard_without_a_screen(void)
{
    rig_start(&rig, 0);
    let_the_driver_be_gone();
    CHECK(rig_put(&rig.typed, "a\x1c" "1\rb\x1c" "l", 6) == 6);
    rig_step(&rig);
    HEARS(ANN, "a");
    HEARS(BOB, "b");
}

static void a_driver_that_goes_on_shows_what_was_kept(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, ANN, "login: ");
    let_the_driver_be_gone();
    CHECK(rig_put(&rig.writers[ANN], "root\n# ", 7) == 7);
    (void)flood(BOB);
    CHECK(rig_send(&rig, 1));
    rig_step(&rig);
    CHECK(!rig.mux.gone);
    rig_settle(&rig);
    const char *shown = rig_shown(&rig);
    const char *back = strstr(shown, "\r\nmux| the UART's driver goes on\r\n");
    CHECK(back != NULL && strstr(back, "ann| login: root\r\n") != NULL);
    CHECK(strstr(back, " bytes lost of bob\r\n") != NULL && strstr(back, "\r\nbob| spam\r\n") != NULL);
    CHECK(strcmp(&shown[strlen(shown) - strlen("\r\nann| # ")], "\r\nann| # ") == 0);
    CHECK(rig.mux.counters.cut_offs == 1);
}

static void a_driver_that_goes_on_in_full_screen_says_nothing(void)
{
    rig_start(&rig, 0);
    rig_type(&rig, "\x1c" "f");
    (void)rig_shown(&rig);
    size_t wrote = 0;
    for (; rig_put(&rig.writers[ANN], "~", 1) == 1; wrote++) {
        rig_step(&rig);
    }
    rig.now_ms = console_mux_wake_ms(&rig.mux);
    rig_step(&rig);
    CHECK(rig.mux.gone && rig_send(&rig, 1));
    rig_settle(&rig);
    const char *shown = rig_shown(&rig);
    CHECK(strspn(shown, "~") == strlen(shown) && strlen(shown) == wrote);
}

static void a_slow_driver_is_not_gone(void)
{
    rig_start(&rig, 0);
    while (flood(BOB) > 0) {
    }
    for (uint32_t i = 0; i < 5000; i++) {
        rig.now_ms += CONSOLE_MUX_PATIENCE_MS - 1;
        (void)rig_send(&rig, 1);
        (void)flood(BOB);
        CHECK(!rig.mux.gone);
    }
    CHECK(rig.mux.rows[BOB].counters.out_lost == 0);
}

/* As when it starts late: what there is room for waits in its queue. */
static void a_driver_that_nobody_waits_for_is_not_gone(void)
{
    rig_start(&rig, 0);
    for (uint32_t i = 0; i < 10; i++) {
        rig.now_ms += CONSOLE_MUX_PATIENCE_MS;
        CHECK(rig_put(&rig.writers[ANN], "hello\n", 6) == 6);
        rig_step(&rig);
        CHECK(!rig.mux.gone && console_mux_wake_ms(&rig.mux) == CONSOLE_MUX_NEVER);
    }
    while (!rig.mux.gone) {
        CHECK(flood(BOB) > 0);
    }
    CHECK(serial_room(&rig.writers[BOB]) == RIG_BYTES);
}

static void a_driver_with_nothing_to_do_is_not_gone(void)
{
    rig_start(&rig, 0);
    for (uint32_t i = 0; i < 10; i++) {
        rig.now_ms += 100 * CONSOLE_MUX_PATIENCE_MS;
        rig_write(&rig, ANN, "hello\n");
        SHOWS("ann| hello\r\n");
        CHECK(console_mux_wake_ms(&rig.mux) == CONSOLE_MUX_NEVER);
    }
    CHECK(rig.mux.counters.cut_offs == 0);
}

static void without_a_clock_a_driver_may_take_its_time(void)
{
    rig_start(&rig, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        (void)flood(BOB);
    }
    CHECK(!rig.mux.gone && rig.mux.rows[BOB].counters.out_lost == 0);
}

/* ---- Counters ---- */

static void each_is_counted_for_himself(void)
{
    rig_start(&rig, 0);
    rig_write(&rig, ANN, "one\ntwo\n");
    rig_write(&rig, BOB, "x");
    rig_type(&rig, "ab\x1c" "1\rc");
    rig.tx[ANN_VMM].indices.tail = RIG_BYTES + 1;
    rig_settle(&rig);
    const struct console_mux_counters *ann = &rig.mux.rows[ANN].counters;
    const struct console_mux_counters *bob = &rig.mux.rows[BOB].counters;
    const struct console_mux_counters *vmm = &rig.mux.rows[ANN_VMM].counters;
    const struct console_mux_counters *uart = &rig.mux.counters;
    CHECK(ann->out_bytes == 8 && ann->out_lines == 2 && ann->in_bytes == 2 && ann->focus_changes == 0);
    CHECK(bob->out_bytes == 1 && bob->out_lines == 0 && bob->in_bytes == 1 && bob->focus_changes == 1);
    CHECK(ann->cut_offs == 0 && vmm->cut_offs == 1 && vmm->out_bytes == 0);
    CHECK(uart->in_bytes == 6 && uart->focus_changes == 1 && uart->cut_offs == 0 && uart->out_lost == 0);
    CHECK(uart->out_lines == 3 && uart->out_bytes == strlen(rig_shown(&rig)));
}

static void what_nobody_takes_is_counted_too(void)
{
    rig_start(&rig, 0);
    rig.config.input_count = 0;
    console_mux_init(&rig.mux, "mux", &rig.config);
    rig_type(&rig, "abc");
    CHECK(rig.mux.counters.in_bytes == 3 && rig.mux.counters.in_lost == 3);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_line_has_its_clients_name),
    UNIT_TEST(a_prompt_of_the_focus_is_shown_at_once),
    UNIT_TEST(what_others_begin_waits_for_its_end),
    UNIT_TEST(a_prompt_is_shown_again_below_what_comes_in_between),
    UNIT_TEST(a_clients_lines_never_bear_anothers_name),
    UNIT_TEST(controls_are_written_out),
    UNIT_TEST(a_backspace_takes_back),
    UNIT_TEST(a_long_line_is_continued),
    UNIT_TEST(the_end_of_a_line_that_was_just_full_is_shown_once),
    UNIT_TEST(what_is_typed_goes_to_one),
    UNIT_TEST(what_the_new_focus_has_begun_is_shown),
    UNIT_TEST(a_number_that_nobody_has_is_told),
    UNIT_TEST(other_keys_are_no_commands),
    UNIT_TEST(a_list_is_shown),
    UNIT_TEST(full_screen_is_unfiltered),
    UNIT_TEST(what_others_write_meanwhile_is_kept),
    UNIT_TEST(of_what_is_kept_the_oldest_is_lost_and_counted),
    UNIT_TEST(the_terminal_is_reset_between_two_screens),
    UNIT_TEST(a_flood_does_not_keep_another_from_being_heard),
    UNIT_TEST(who_floods_has_a_turn_and_no_more),
    UNIT_TEST(a_step_is_bounded_by_the_drivers_room),
    UNIT_TEST(nothing_is_lost_when_the_driver_is_slow),
    UNIT_TEST(the_driver_wakes_who_waits_for_room),
    UNIT_TEST(a_client_whose_indices_are_a_lie_is_cut_off_alone),
    UNIT_TEST(a_client_that_takes_no_input_loses_it_alone),
    UNIT_TEST(a_driver_whose_indices_are_a_lie_shows_nothing_and_keeps_nobody_waiting),
    UNIT_TEST(queues_go_on_when_indices_wrap),
    UNIT_TEST(a_client_that_waits_for_room_is_notified),
    UNIT_TEST(without_input_nobody_has_the_focus),
    UNIT_TEST(a_driver_has_its_time_and_then_nobody_waits_for_it),
    UNIT_TEST(what_is_typed_is_heard_without_a_screen),
    UNIT_TEST(a_driver_that_goes_on_shows_what_was_kept),
    UNIT_TEST(a_driver_that_goes_on_in_full_screen_says_nothing),
    UNIT_TEST(a_slow_driver_is_not_gone),
    UNIT_TEST(a_driver_that_nobody_waits_for_is_not_gone),
    UNIT_TEST(a_driver_with_nothing_to_do_is_not_gone),
    UNIT_TEST(without_a_clock_a_driver_may_take_its_time),
    UNIT_TEST(each_is_counted_for_himself),
    UNIT_TEST(what_nobody_takes_is_counted_too),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
