/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The block driver's exit codes; `uio_block_driver --help` says what they mean. */
enum block_exit {
    EXIT_AS_BUILT = 0,
    EXIT_SYSTEM = 1,
    EXIT_USAGE = 2,
    EXIT_NO_UIO = 3,
    EXIT_NO_DEVICE = 4,
    EXIT_MAP = 5,
    EXIT_NODE = 6,
    EXIT_PAGE = 7,
    EXIT_DIFFERENT = 8,
    EXIT_DISK = 9,
    EXIT_QUEUE = 10,
};
