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
    CHECK(rig.mux.rows[ANN].input.broken && rig.mux.rows[ANN].lost_input == 1);
    HEARS(BOB, "y");
}

static void a_client_that_takes_no_input_loses_it_alone(void)
{
    rig_start(&rig, 0);
    for (uint32_t i = 0; i < RIG_BYTES + 10; i++) {
        rig_type(&rig, "x");
    }
    CHECK(rig.mux.rows[ANN].lost_input == 10);
    rig_type(&rig, "\x1c" "1\rhello");
    HEARS(BOB, "hello");
}

static void a_driver_whose_indices_are_a_lie_shows_nothing(void)
{
    rig_start(&rig, 0);
    rig.screen.indices.head = 3;
    rig.keyboard.indices.tail = RIG_BYTES + 7;
    CHECK(rig_put(&rig.writers[ANN], "hello\n", 6) == 6);
    rig_step(&rig);
    CHECK(rig.mux.screen.broken && rig.mux.keyboard.broken);
    HEARS(ANN, "");
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
    UNIT_TEST(a_driver_whose_indices_are_a_lie_shows_nothing),
    UNIT_TEST(queues_go_on_when_indices_wrap),
    UNIT_TEST(a_client_that_waits_for_room_is_notified),
    UNIT_TEST(without_input_nobody_has_the_focus),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
