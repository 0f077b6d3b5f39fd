/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs one vector through the device and judges all that may have changed: memory, disk, used ring, interrupts. */
#pragma once

#include "device_vectors.h"

void judge(const struct vector *vector);
