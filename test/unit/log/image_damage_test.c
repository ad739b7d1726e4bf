/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_damage -- whatever is wrong with the file of an image, its reader notices, and says where.
 */
#include "base/crc32c.h"
#include "log/image_format.h"
#include "unit/log/image_stand.h"
#include "wire/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct memory_disk disk;
static struct image_reading reading;
static struct memory_file *file;
static struct cc_image_id id;
static const struct cc_image_id any = {.group = 3, .index = 70000};

/* Pieces of 1, 2, 65, 1 blocks. */
static const struct image_script script = {
    .sizes = {CC_IMAGE_PIECE_SIZE, 7000, CC_IMAGE_PIECE_SIZE, 3000}, .count = 4};
static const struct image_script small_script = {.sizes = {6000}, .count = 1};
static const struct image_script dull_script = {
    .sizes = {100000, 3000, CC_IMAGE_PIECE_SIZE - 103000, 3000}, .count = 4, .is_dull = true};

static void make(const struct image_script *made)
{
    memory_disk_init(&disk);
    id = image_write(&disk, &image_head, made);
    file = image_file(&disk);
    file->scar = 0;
}

/* What is wrong comes where it lies, however far ahead it was found. */
static copycat_status read_both(const struct cc_image_id *meant, const struct image_script *made)
{
    struct image_reading near;

    image_ahead_size = 0;
    (void)image_read(&reading, &disk, meant, made);
    near = reading;
    image_ahead_size = (size_t)4 << 20;
    (void)image_read(&reading, &disk, meant, made);
    assert_int_equal(near.status, reading.status);
    assert_int_equal(near.pieces, reading.pieces);
    assert_string_equal(near.text, reading.text);
    return reading.status;
}

static void done(void)
{
    assert_int_equal(disk.blocks_out, 0);
    memory_disk_deinit(&disk);
}

static void check_told(copycat_status status, const char *when, uint64_t at)
{
    if (reading.status != status ||
        strstr(reading.text, IMAGE_DIRECTORY "/image-0003-00000000000000070000: ") == NULL ||
        strstr(reading.text, ", at offset ") == NULL) {
        fail_msg(
            "%s %llu: status %d, \"%s\"", when, (unsigned long long)at, (int)reading.status,
            reading.text);
    }
}

/* The offset is that of what does not read: head, piece or end. */
static uint64_t told_offset(void)
{
    unsigned long long offset = 0;

    assert_int_equal(sscanf(strstr(reading.text, ", at offset "), ", at offset %llu", &offset), 1);
    return offset;
}

static void check_every_byte(const struct image_script *made)
{
    make(made);
    assert_int_equal(id.size, 4 * CC_DISK_BLOCK);
    for (uint64_t at = 0; at < id.size; at++) {
        static const uint8_t masks[] = {1, 0x80, 0xff};
        uint8_t mask = masks[at % 3];
        uint64_t place = at / CC_DISK_BLOCK * CC_DISK_BLOCK;

        if (!made->is_dull && place == 2 * CC_DISK_BLOCK) {
            place = CC_DISK_BLOCK; /* a piece of two blocks */
        }
        file->seen[at] ^= mask;
        (void)read_both(at % 2 == 0 ? &any : &id, made);
        check_told(COPYCAT_ERR_DAMAGED, "byte", at);
        assert_int_equal(told_offset(), place);
        file->seen[at] ^= mask;
    }
    assert_int_equal(read_both(&id, made), COPYCAT_OK);
    done();
}

static void every_byte_that_changes_is_noticed(void **state)
{
    (void)state;
    check_every_byte(&small_script);
    check_every_byte(&dull_script);
}

static void a_change_in_any_block_is_noticed(void **state)
{
    (void)state;
    make(&script);
    for (uint64_t at = 17; at < id.size; at += CC_DISK_SECTOR) {
        file->seen[at] ^= 4;
        (void)read_both(&id, &script);
        check_told(COPYCAT_ERR_DAMAGED, "byte", at);
        assert_true(told_offset() <= at);
        file->seen[at] ^= 4;
    }
    done();
}

static void a_file_of_another_size_is_refused(void **state)
{
    uint8_t *bytes;
    size_t size;

    (void)state;
    make(&script);
    bytes = test_malloc(id.size + 2 * CC_DISK_BLOCK);
    memset(bytes, 0, id.size + 2 * CC_DISK_BLOCK);
    memcpy(bytes, file->seen, id.size);
    size = id.size;
    done();
    for (uint64_t cut = 0; cut <= size + 2 * CC_DISK_BLOCK; cut += CC_DISK_SECTOR) {
        if (cut == size) {
            continue;
        }
        memory_disk_init(&disk);
        memory_disk_put(&disk, "image-0003-00000000000000070000", bytes, cut);
        (void)read_both(&any, &script);
        check_told(COPYCAT_ERR_DAMAGED, "cut at", cut);
        (void)read_both(&id, &script);
        check_told(COPYCAT_ERR_DAMAGED, "cut at", cut);
        done();
    }
    test_free(bytes);
}

static void a_block_that_cannot_be_read_is_told_apart(void **state)
{
    (void)state;
    make(&script);
    for (uint64_t at = 100; at < id.size; at += CC_DISK_BLOCK) {
        file->scar = at;
        (void)read_both(&id, &script);
        check_told(COPYCAT_ERR_IO, "scar", at);
    }
    done();
}

/* The bytes are somebody's, whole and in their very place: they are another image's. */
static void a_piece_of_another_image_is_noticed(void **state)
{
    static const struct image_script other = {
        .sizes = {CC_IMAGE_PIECE_SIZE, 7001, CC_IMAGE_PIECE_SIZE, 3000}, .count = 4};
    struct cc_image_head later = image_head;
    const uint64_t first = CC_DISK_BLOCK;
    const uint64_t second = first + cc_image_piece_size(CC_IMAGE_PIECE_SIZE);
    const uint64_t third = second + cc_image_piece_size(7000);
    struct memory_file theirs = {.size = 0};

    (void)state;
    later.index++;
    make(&script);
    (void)image_write(&disk, &later, &other);
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        if (disk.files[i].is_named && &disk.files[i] != file) {
            theirs = disk.files[i];
        }
    }
    assert_int_equal(theirs.size, file->size);
    memcpy(file->seen + third, theirs.seen + third, cc_image_piece_size(CC_IMAGE_PIECE_SIZE));
    assert_int_equal(read_both(&id, &script), COPYCAT_ERR_DAMAGED);
    assert_int_equal(told_offset(), third);
    assert_int_equal(reading.pieces, 2);

    memcpy(file->seen + second, theirs.seen + second, third - second);
    assert_int_equal(read_both(&id, &script), COPYCAT_ERR_DAMAGED);
    assert_int_equal(told_offset(), second);
    done();
}

/* A write that went astray left the piece before in the place of the last. */
static void a_piece_in_the_wrong_place_is_noticed(void **state)
{
    static const struct image_script twins = {
        .sizes = {CC_IMAGE_PIECE_SIZE, CC_IMAGE_PIECE_SIZE, CC_IMAGE_PIECE_SIZE}, .count = 3};
    const size_t size = cc_image_piece_size(CC_IMAGE_PIECE_SIZE);

    (void)state;
    make(&twins);
    memcpy(file->seen + CC_DISK_BLOCK + 2 * size, file->seen + CC_DISK_BLOCK + size, size);
    assert_int_equal(read_both(&id, &twins), COPYCAT_ERR_DAMAGED);
    assert_int_equal(told_offset(), CC_DISK_BLOCK + 2 * size);
    done();
}

/* An end that is whole and not of this file: too few pieces, too many bytes, another checksum. */
static void an_end_that_speaks_of_another_file_is_noticed(void **state)
{
    struct cc_image_end end;
    uint8_t *block;

    (void)state;
    make(&script);
    block = file->seen + id.size - CC_DISK_BLOCK;
    for (uint32_t field = 0; field < 4; field++) {
        struct cc_image_end forged;

        assert_true(cc_image_end_decode(block, &end));
        forged = end;
        forged.pieces += field == 0;
        forged.raw_size += field == 1;
        forged.size += field == 2 ? CC_DISK_BLOCK : 0;
        forged.checksum += field == 3;
        cc_image_end_encode(block, &forged);
        assert_int_equal(read_both(&any, &script), COPYCAT_ERR_DAMAGED);
        assert_int_equal(told_offset(), id.size - CC_DISK_BLOCK);
        cc_image_end_encode(block, &end);
    }
    block[CC_DISK_BLOCK - 1] = 1; /* of one identity are the same bytes */
    cc_store_u32(block + 4, cc_crc32c(0, block + 8, CC_DISK_BLOCK - 8));
    assert_int_equal(read_both(&id, &script), COPYCAT_ERR_DAMAGED);
    cc_image_end_encode(block, &end);
    assert_int_equal(read_both(&any, &script), COPYCAT_OK);
    done();
}

/* Sizes in a header are not believed: nothing is taken for them that the file cannot hold. */
static void a_forged_size_takes_no_memory(void **state)
{
    static const uint32_t sizes[] = {
        0, CC_IMAGE_ADD_SIZE_MAX, CC_IMAGE_ADD_SIZE_MAX + 1, UINT32_MAX};

    (void)state;
    for (uint32_t field = 0; field < 3; field++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            make(&small_script);
            if (field != 1) {
                cc_store_u32(file->seen + CC_DISK_BLOCK + 12, sizes[i]);
            }
            if (field != 0) {
                cc_store_u32(file->seen + CC_DISK_BLOCK + 16, sizes[i]);
            }
            disk.block_largest = 0;
            assert_int_equal(read_both(&id, &small_script), COPYCAT_ERR_DAMAGED);
            assert_int_equal(told_offset(), CC_DISK_BLOCK);
            assert_true(disk.block_largest < 32768);
            done();
        }
    }
}

/* Headers that are whole, and of no piece that a writer makes. */
static void a_piece_that_no_writer_makes_is_refused(void **state)
{
    static const struct image_script large = {
        .sizes = {CC_IMAGE_ADD_SIZE_MAX, CC_IMAGE_PIECE_SIZE}, .count = 2};
    struct cc_image_piece piece;
    struct cc_image_piece forged;

    (void)state;
    for (uint32_t field = 0; field < 5; field++) {
        make(&large);
        assert_true(cc_image_piece_decode(file->seen + CC_DISK_BLOCK, &piece));
        forged = piece;
        forged.number += field == 0;
        forged.offset += field == 1 ? CC_DISK_BLOCK : 0;
        forged.raw_size = field == 2 ? 0 : field == 3 ? CC_IMAGE_ADD_SIZE_MAX + 1 : piece.raw_size;
        forged.stored_size = forged.raw_size;
        forged.checksum += field == 4;
        cc_image_piece_seal(file->seen + CC_DISK_BLOCK, &forged);
        assert_int_equal(read_both(&any, &large), COPYCAT_ERR_DAMAGED);
        assert_int_equal(told_offset(), CC_DISK_BLOCK);
        assert_int_equal(reading.pieces, 0);
        done();
    }
}

/* What is packed may be anything, and may come to anything. */
static void a_piece_that_does_not_unpack_is_refused(void **state)
{
    struct cc_image_piece piece;
    struct cc_image_piece forged;

    (void)state;
    for (uint32_t field = 0; field < 7; field++) {
        make(&dull_script);
        assert_true(cc_image_piece_decode(file->seen + CC_DISK_BLOCK, &piece));
        assert_int_equal(piece.codec, CC_IMAGE_CODEC_ZSTD);
        assert_int_equal(piece.raw_size, CC_IMAGE_PIECE_SIZE);
        forged = piece;
        forged.raw_size += field == 0 ? 1 : field == 1 ? UINT32_MAX : 0;
        forged.stored_size -= field == 2;
        forged.stored_size += field == 3;
        forged.codec = field == 4 ? 2 : field == 5 ? CC_IMAGE_CODEC_NONE : forged.codec;
        if (field == 6) {
            memset(file->seen + CC_DISK_BLOCK + CC_IMAGE_PIECE_HEADER_SIZE, 7, 20);
        }
        cc_image_piece_seal(file->seen + CC_DISK_BLOCK, &forged);
        assert_int_equal(read_both(&any, &dull_script), COPYCAT_ERR_DAMAGED);
        assert_int_equal(told_offset(), CC_DISK_BLOCK);
        assert_int_equal(reading.pieces, 0);
        done();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_that_changes_is_noticed),
        cmocka_unit_test(a_change_in_any_block_is_noticed),
        cmocka_unit_test(a_file_of_another_size_is_refused),
        cmocka_unit_test(a_block_that_cannot_be_read_is_told_apart),
        cmocka_unit_test(a_piece_of_another_image_is_noticed),
        cmocka_unit_test(a_piece_in_the_wrong_place_is_noticed),
        cmocka_unit_test(an_end_that_speaks_of_another_file_is_noticed),
        cmocka_unit_test(a_forged_size_takes_no_memory),
        cmocka_unit_test(a_piece_that_no_writer_makes_is_refused),
        cmocka_unit_test(a_piece_that_does_not_unpack_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
