/* SPDX-License-Identifier: Apache-2.0 */
/* copycat.h -- everything: servers, clients, and what they keep for you. */
#ifndef COPYCAT_H
#define COPYCAT_H

#include <copycat/backup.h>
#include <copycat/base.h>
#include <copycat/client.h>
#include <copycat/future.h>
#include <copycat/machine.h>
#include <copycat/map.h>
#include <copycat/probe.h>
#include <copycat/resource.h>
#include <copycat/server.h>

#endif /* COPYCAT_H */
