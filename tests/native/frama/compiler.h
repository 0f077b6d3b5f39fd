/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included before everything else when Frama-C reads the product's files: what it does not know of the compiler.
 * Atomics become plain accesses. Where the word is volatile, as all shared words are, its value is any at all; order is
 * not part of what is proven.
 */
#pragma once

#define __atomic_load_n(word, order) (*(word))
#define __atomic_store_n(word, value, order) ((void)(*(word) = (value)))
#define __atomic_thread_fence(order) ((void)0)

#define _Alignof(type) __alignof__(type)
