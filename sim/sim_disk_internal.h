/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_disk_internal -- what a simulated disk is made of, for sim_disk.c (requests), sim_file.c (bytes),
 * sim_disk_crash.c (what the end of a life leaves) and sim_disk_fault.c (what can be wrong with it).
 */
#ifndef CC_SIM_SIM_DISK_INTERNAL_H
#define CC_SIM_SIM_DISK_INTERNAL_H

#include "sim/world.h"

#define CC_SIM_FILE_NAME_SIZE 128u

/* Written and not synced. */
struct cc_sim_doubt {
    struct cc_sim_doubt *next;
    uint64_t offset;
    size_t size;
    unsigned char data[];
};

/* A write that the kernel still had when the process was killed, and has not carried out yet. */
struct cc_sim_late {
    struct cc_sim_late *next;
    uint64_t offset;
    size_t size;
    unsigned char data[];
};

/* Bytes that cannot be read any more until they are written again. */
struct cc_sim_scar {
    struct cc_sim_scar *next;
    uint64_t offset;
    size_t size;
};

struct cc_sim_file {
    struct cc_sim_file *next;
    char name[CC_SIM_FILE_NAME_SIZE];
    bool is_named;        /* a reader of the directory sees it */
    bool is_name_durable; /* and still will after a crash */
    unsigned char *seen;
    unsigned char *platter;
    unsigned char *pages; /* what is known of each: see sim_file.c */
    size_t size;
    size_t platter_size;
    size_t capacity;
    struct cc_sim_doubt *doubts;
    struct cc_sim_doubt **doubts_end;
    struct cc_sim_scar *scars;
    struct cc_sim_late *late;
};

/* What env hands out; in the machine's memory, so that it ends with its life. */
struct cc_file {
    struct cc_sim_file *file;
};

struct cc_sim_under_way {
    struct cc_sim_under_way *next;
    struct cc_disk_request *request;
};

struct cc_sim_disk {
    struct cc_machine *machine;
    struct cc_decider choices;
    struct cc_sim_file *files;
    struct cc_sim_file *image; /* as they once were; see cc_world_disk_keep */
    struct cc_sim_under_way *writes;
    bool is_locked;
    bool is_stuck;
    bool is_full;
    uint64_t size_max; /* of all files together */
    bool is_denied;    /* no file can be opened */
    uint32_t slow;
    enum cc_loss loss; /* of the next power loss */
    uint32_t armed[CC_DISK_FAULT_COUNT];
    uint32_t alarm_in; /* requests of a kind until the alarm; 0: none */
    enum cc_disk_operation alarm_at;
    void (*alarm)(void *owner);
    void *alarm_owner;
    struct cc_held held;
};

/* ---- sim_file.c -------------------------------------------------------------------------------
 */

/* Before anything is written behind the end. */
void cc_sim_file_extend(struct cc_sim_file *file, size_t size);
void cc_sim_file_to_platter(
    struct cc_sim_file *file, uint64_t offset, const void *data, size_t size);
void cc_sim_file_to_reader(
    struct cc_sim_file *file, uint64_t offset, const void *data, size_t size);
void cc_sim_file_to_both(struct cc_sim_file *file, uint64_t offset, const void *data, size_t size);
void cc_sim_file_read(const struct cc_sim_file *file, uint64_t offset, void *target, size_t size);

/* A reader sees what is on the platter: in this range, or in all of the file. */
void cc_sim_file_see_platter(struct cc_sim_file *file, uint64_t offset, size_t size);
void cc_sim_file_fall_back(struct cc_sim_file *file);

/* ---- sim_disk.c -------------------------------------------------------------------------------
 */

void cc_sim_file_forget_doubts(struct cc_sim_file *file);
void cc_sim_file_add_doubt(
    struct cc_sim_file *file, uint64_t offset, const void *data, size_t size);
void cc_sim_file_free(struct cc_sim_file *file);
void cc_sim_files_free(struct cc_sim_file **files);
uint64_t cc_sim_disk_room(const struct cc_sim_disk *disk);
void cc_sim_disk_forget_write(struct cc_sim_disk *disk, const struct cc_disk_request *request);

/* ---- sim_disk_crash.c -------------------------------------------------------------------------
 */

void cc_sim_disk_forget_writes(struct cc_sim_disk *disk);

/* What came late is there now, or never was. */
void cc_sim_file_land(struct cc_sim_file *file);
void cc_sim_file_forget_late(struct cc_sim_file *file);

/* Some of a write reaches the platter. */
void cc_sim_disk_tear(
    struct cc_sim_disk *disk,
    struct cc_sim_file *file,
    uint64_t offset,
    const unsigned char *data,
    size_t size);

/* ---- sim_disk_fault.c -------------------------------------------------------------------------
 */

/* True if a fault takes the place of what the request asks for; its status is set. */
bool cc_sim_disk_interfere(struct cc_sim_disk *disk, struct cc_disk_request *request);

/* True if the request is never to complete. */
bool cc_sim_disk_hangs(struct cc_sim_disk *disk, const struct cc_disk_request *request);

/* True if some of these bytes cannot be read. */
bool cc_sim_file_is_scarred(const struct cc_sim_file *file, uint64_t offset, size_t size);
void cc_sim_file_heal_scars(struct cc_sim_file *file, uint64_t offset, size_t size);

#endif /* CC_SIM_SIM_DISK_INTERNAL_H */
