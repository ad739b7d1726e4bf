/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offering -- members that lack what the log has no more are offered the image that this server stands
 * on; and what the log has behind an image is kept while they get on with it.
 *
 * Where it sits:   raft (who lacks what) -> [offering] -> another member's group_install, which fetches.
 */
#ifndef CC_SERVER_IMAGE_OFFERING_H
#define CC_SERVER_IMAGE_OFFERING_H

#include <copycat/base.h>

#include <stdbool.h>
#include <stdint.h>

struct cc_group;
struct cc_image_fetching;
struct cc_offering;

/* Partner: cc_offering_destroy. */
struct cc_offering *cc_offering_create(struct cc_group *group);
void cc_offering_destroy(struct cc_offering *offering);

/* Offers the image that this group stands on; there is one. */
void cc_offering_offer(struct cc_offering *offering, uint32_t peer);

/* A member says what it fetches, and how far it has got. */
void cc_offering_told(
    struct cc_offering *offering, uint32_t peer, const struct cc_image_fetching *told);

/* Entries behind this index are kept for those who fetch; COPYCAT_NONE: none is. */
uint64_t cc_offering_kept(const struct cc_offering *offering);

/* When it is due: a leader makes offers, and gives up who does not get on. */
void cc_offering_go_on(struct cc_offering *offering);

/* When cc_offering_go_on has something to do at the latest; COPYCAT_NONE: never. */
uint64_t cc_offering_due_us(const struct cc_offering *offering);

#endif /* CC_SERVER_IMAGE_OFFERING_H */
