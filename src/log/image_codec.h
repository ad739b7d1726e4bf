/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_codec -- pieces of an image, smaller: zstd at its fastest, for the disk and the network it
 * saves are slower than it is.
 *
 * Determinism:  one version of the library makes the same bytes of the same bytes, on every machine.
 *               Others may differ, which a reader does not mind.
 * Memory:       the library's own, for the length of a call; without it the process ends, as
 *               wherever state is at stake (T-025).
 */
#ifndef CC_LOG_IMAGE_CODEC_H
#define CC_LOG_IMAGE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes at most size - size / 8 bytes at `target`, and returns how many; 0: that was too little. */
size_t cc_image_pack(uint8_t *target, const void *data, size_t size);

/* Fills `target`; false if the bytes do not come to exactly so many. */
bool cc_image_unpack(uint8_t *target, size_t target_size, const void *data, size_t size);

#endif /* CC_LOG_IMAGE_CODEC_H */
