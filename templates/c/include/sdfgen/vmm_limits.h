/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libvmm 0.2 (au-ts/libvmm 7069ab9) has room for.
 *
 * It takes 15 ranges of addresses that trap, of which the interrupt controller has one (GICv2) or two (GICv3).
 *
 * It takes 128 shared interrupts, but has a queue of 63 for those that wait for one of the hardware's list registers,
 * and asserts when that is full. The guest's own 16 software interrupts and its timer's may wait there as well.
 */
#pragma once

#define VMM_MAX_DEVICES 13u
/* Of devices and passed through, together. */
#define VMM_MAX_INTERRUPTS 46u
/* Virtual CPUs of a guest. (VMM_MAX_VCPUS is libvmm's name for a number of its own.) */
#define VMM_MOST_VCPUS 4u
