/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_name -- which image: as messages say it, and as files and the journal do.
 */
#ifndef CC_SERVER_IMAGE_NAME_H
#define CC_SERVER_IMAGE_NAME_H

#include "log/image.h"
#include "proto/message.h"

static inline struct cc_image_id cc_image_id_of(uint32_t group, const struct cc_image_name *name)
{
    return (struct cc_image_id){group,      name->index,    name->term, name->time_us,
                                name->size, name->checksum, false};
}

static inline struct cc_image_name cc_image_name_of(const struct cc_image_id *id)
{
    return (struct cc_image_name){id->index, id->term, id->time_us, id->size, id->checksum};
}

#endif /* CC_SERVER_IMAGE_NAME_H */
