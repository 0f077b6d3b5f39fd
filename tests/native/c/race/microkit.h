/* SPDX-License-Identifier: BSD-2-Clause */
/* As much of libmicrokit as a VMM's disk needs. */
#pragma once

typedef unsigned int microkit_channel;

void microkit_notify(microkit_channel channel);
