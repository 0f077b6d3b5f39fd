"""The virtualiser between played clients and a played driver: natively with sanitizers, and on AArch64."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from sdfgen.build.toolchain import WARNINGS

from .elf import symbol_table, undefined_symbols
from .model.programs import command
from .toolchain import C_TESTS, TEMPLATES_C, ZIG_CC, build_pd_object, folders, include_flags, run

if TYPE_CHECKING:
    from pathlib import Path

QEMU = shutil.which("qemu-aarch64-static")
SUBJECTS = tuple(os.path.join(TEMPLATES_C, source) for source in folders("block", "block_virt"))
PARTS = ("requests", "turns", "pieces", "hostile", "life", "time", "deaths", "rate")
TEST_FILES = ("block_virt_test", *(f"block_virt_{part}_tests" for part in PARTS))
SOURCES = (*SUBJECTS, *(os.path.join(C_TESTS, name + ".c") for name in ("block_virt_world", *TEST_FILES)))
CACHE = os.path.join(TEMPLATES_C, "cache", "cache_aarch64.c")
# What a compiler may ask of any freestanding program.
COMPILERS_OWN = {"memset", "memcpy"}
CACHE_OPERATIONS = ("cache_clean_range", "cache_clean_and_invalidate_range")

UNIT_TESTS = (
    "a_driver_that_is_not_ready_is_waited_for",
    "a_client_is_told_what_its_disk_is",
    "offsets_and_blocks_are_translated",
    "data_arrives_where_it_belongs",
    "bounds_are_exact",
    "a_flush_names_nothing",
    "a_read_only_client_changes_nothing",
    "a_read_only_disk_is_not_changed",
    "extended_codes_need_both_connections",
    "what_the_disk_cannot_is_told_of_extended_codes_only",
    "what_the_disk_can_is_told_where_both_sides_know_the_words",
    "a_barrier_waits_for_what_is_in_flight",
    "a_barrier_alone_is_answered_at_once",
    "the_drivers_answers_are_bounded",
    "an_id_is_answered_once",
    "a_queue_is_published_and_notified_once",
    "a_flood_delays_others_by_what_is_in_flight_and_a_turn",
    "turns_share_blocks_not_requests",
    "who_has_nothing_to_send_saves_nothing_up",
    "a_driver_that_answers_without_taking_is_not_overrun",
    "the_driver_gets_no_more_than_it_asked_for",
    "as_many_as_there_are_slots",
    "a_client_has_its_regions_blocks_in_flight_at_most",
    "a_full_response_queue_stalls_its_client_only",
    "a_client_alone_is_handed_on_whole",
    "pieces_are_next_to_each_other_and_answered_once",
    "data_in_pieces_arrives_where_it_belongs",
    "a_range_leaves_no_block_out",
    "the_worst_status_of_all_pieces_counts",
    "a_barrier_waits_for_all_pieces",
    "a_flush_comes_after_the_last_piece",
    "a_client_cut_off_between_pieces_leaves_nothing",
    "a_driver_that_restarts_between_pieces_does_them_again",
    "a_driver_lost_between_pieces_fails_the_request",
    "nobody_waits_longer_than_is_stated",
    "heavier_clients_are_waited_for_as_long_as_is_stated",
    "who_was_idle_waits_once_for_what_one_alone_has",
    "one_long_request_keeps_its_client_busy",
    "caches_are_kept_piece_by_piece",
    "few_requests_of_one_are_with_the_driver_while_another_is_busy",
    "who_has_little_at_a_time_waits_for_little",
    "a_client_with_a_wild_request_tail_is_cut_off",
    "a_client_with_a_wild_response_head_is_cut_off",
    "a_client_that_takes_back_room_is_cut_off",
    "a_driver_with_a_wild_request_head_is_cut_off",
    "a_driver_with_a_wild_response_tail_is_cut_off",
    "a_driver_lost_before_it_served_leaves_clients_without_a_disk",
    "indices_wrap",
    "an_io_base_must_be_patched_and_make_sense",
    "without_its_own_io_base_it_serves_nobody",
    "what_is_done_is_counted",
    "a_client_without_a_partition_has_an_empty_disk",
    "a_table_that_cannot_be_read_is_no_table",
    "a_failed_read_of_the_table_is_tried_again",
    "each_block_of_the_table_has_its_tries",
    "what_could_not_be_read_is_read_when_the_driver_notifies",
    "what_could_not_be_read_is_read_when_the_driver_comes_back",
    "a_table_that_was_read_is_not_read_again",
    "the_mirrors_block_that_is_not_whole_is_asked_for",
    "a_partition_may_be_named_by_its_identifier",
    "a_partition_with_two_names_is_written_by_one",
    "a_disk_that_makes_no_sense_has_no_partitions",
    "caches_are_kept_where_they_are_mapped_so",
    "what_a_restarting_driver_had_taken_is_done_by_its_successor",
    "a_restart_with_another_disk_ends_service",
    "a_restart_with_a_disk_now_read_only_changes_nothing",
    "a_block_of_an_earlier_reading_is_not_parsed",
    "only_notified_clients_are_looked_at",
    "as_many_clients_as_there_can_be",
    "every_state_has_a_text_of_its_own",
    "a_request_fails_in_time",
    "without_a_timeout_a_request_waits",
    "a_client_hears_that_a_request_failed_and_when_it_is_done_with",
    "a_late_transfer_reaches_no_other_requests_buffer",
    "what_waits_gets_no_buffer_that_is_late",
    "what_waits_for_data_that_becomes_late_fails",
    "a_late_change_overwrites_no_newer_one",
    "a_late_read_holds_up_nothing",
    "what_is_held_up_fails_in_time",
    "what_waits_for_its_turn_fails_in_time",
    "what_waits_for_room_fails_in_time",
    "arrivals_are_kept_apart_well_enough",
    "a_barrier_does_not_wait_for_what_has_failed",
    "a_full_response_queue_is_not_written_over",
    "a_client_that_is_cut_off_leaves_nothing_behind",
    "a_request_in_pieces_is_late_once",
    "a_request_of_which_pieces_were_done_has_one_deadline",
    "pieces_of_two_drivers_are_told_of_once",
    "time_does_not_go_back",
    "what_was_answered_lends_its_time_to_nobody",
    "the_longest_wait_is_kept",
    "waiting_for_a_driver_or_a_barrier_is_waiting",
    "no_wait_is_told_that_was_not",
    "a_restart_between_two_looks_is_seen",
    "what_was_in_flight_comes_first_and_in_order",
    "it_may_die_again_and_again",
    "a_new_driver_with_less_depth_gets_it_in_parts",
    "a_driver_that_dies_before_it_had_all_again_changes_no_order",
    "a_return_that_takes_too_long_is_an_error",
    "a_start_ends_the_wait_for_what_is_late",
    "a_driver_that_dies_while_tables_are_read_is_waited_for",
    "another_disk_gets_nothing_that_was_meant_for_the_first",
    "a_disk_may_get_another_size",
    "a_client_may_start_before_its_disk",
    "a_table_that_could_not_be_read_may_be_read_by_the_next_driver",
    "a_driver_that_broke_the_protocol_may_start_again",
    "a_start_that_makes_no_sense_changes_nothing_for_others",
    "weights_share_what_there_is",
    "a_weight_is_of_no_use_to_who_wants_little",
    "a_weight_that_makes_no_sense_is_the_nearest",
    "a_bandwidth_is_kept",
    "as_many_requests_a_second_are_served",
    "a_request_in_pieces_counts_once",
    "the_lower_of_two_limits_counts",
    "bursts_are_bounded",
    "who_has_no_limit_is_not_slowed",
    "who_keeps_to_its_limit_does_not_wait",
    "the_own_limit_lets_nothing_time_out",
    "a_long_request_may_take_longer_than_the_timeout",
    "a_silent_driver_ends_all_requests_in_time",
    "only_the_wait_for_the_rate_is_forgiven",
    "who_comes_later_is_not_forgiven_what_was_before",
    "without_a_timeout_a_limit_is_kept",
    "a_client_that_is_cut_off_waits_for_no_rate",
    "the_lowest_limits_are_kept",
    "the_highest_limits_limit_nothing_here",
    "at_the_end_of_time_nothing_overflows",
    "time_that_jumps_gives_a_burst",
    "time_that_goes_back_stands_still",
)


@pytest.fixture(scope="session", params=["gcc", "clang"])
def block_virt_test(request: pytest.FixtureRequest, programs: Path) -> str:
    compiler: str = request.param
    output = str(programs / f"block_virt_test_{compiler}")
    run((*command(compiler), *include_flags(), *SOURCES, "-o", output))
    return output


@pytest.fixture(scope="session")
def block_virt_test_aarch64(programs: Path) -> str:
    output = str(programs / "block_virt_test_aarch64")
    target = ("-target", "aarch64-linux-musl", "-static", "-O2", "-mstrict-align")
    run((*ZIG_CC, *target, *WARNINGS.split(), *include_flags(), *SOURCES, "-o", output))
    return output


def test_every_unit_test_is_run(block_virt_test: str) -> None:
    assert tuple(run((block_virt_test, "--list")).split()) == UNIT_TESTS


@pytest.mark.parametrize("name", UNIT_TESTS)
def test_unit(block_virt_test: str, name: str) -> None:
    done = subprocess.run([block_virt_test, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(QEMU is None, reason="qemu-aarch64-static is not installed (Debian: qemu-user-static)")
@pytest.mark.parametrize("name", UNIT_TESTS)
def test_unit_on_aarch64(block_virt_test_aarch64: str, name: str) -> None:
    command = (QEMU or "", block_virt_test_aarch64, name)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("source", [*SUBJECTS, CACHE], ids=os.path.basename)
def test_a_protection_domain_needs_nothing_else(tmp_path: Path, source: str) -> None:
    """Everything that is undefined in one object is defined in another, but for what compilers call by themselves."""
    defined = set[str]()
    for path in (*SUBJECTS, CACHE):
        output = build_pd_object(str(tmp_path / "defines.o"), path)
        with open(output, "rb") as file:
            symbols = symbol_table(ELFFile(file)).iter_symbols()
            defined |= {symbol.name for symbol in symbols if symbol["st_shndx"] != "SHN_UNDEF"}
    with open(build_pd_object(str(tmp_path / "needs.o"), source), "rb") as file:
        assert set(undefined_symbols(ELFFile(file))) <= defined | COMPILERS_OWN


@pytest.mark.skipif(QEMU is None, reason="qemu-aarch64-static is not installed (Debian: qemu-user-static)")
@pytest.mark.parametrize("operation", CACHE_OPERATIONS)
def test_cache_operations_run_at_user_level(tmp_path: Path, operation: str) -> None:
    """On any range, and what was written stays."""
    source = tmp_path / "main.c"
    source.write_text(
        "#include <sdfgen/cache.h>\n"
        "static unsigned char bytes[8192];\n"
        "int main(void)\n"
        "{\n"
        "    for (unsigned int i = 0; i < 200; i++) {\n"
        "        bytes[i] = 7;\n"
        f"        {operation}((uintptr_t)bytes + i, 20 * i);\n"
        "        if (bytes[i] != 7) { return 1; }\n"
        "    }\n"
        "    return 0;\n"
        "}\n"
    )
    program = str(tmp_path / "program")
    run((*ZIG_CC, "-target", "aarch64-linux-musl", "-static", *include_flags(), str(source), CACHE, "-o", program))
    assert subprocess.run([QEMU or "", program], check=False).returncode == 0
