/* identifai-moderate: lines to a broker
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QoS 1, to PREFIX/STREAM/EVENT (PREFIX/EVENT for what is about no stream). What is told while
 * there is no broker waits, bounded, and goes out in its order when there is one again.
 */

#pragma once

#include "config.h"
#include "hub.h"

G_BEGIN_DECLS

typedef struct _ModMqtt ModMqtt;

/* Whether mqtt is such an address, and this build can; nothing is connected. */
gboolean mod_mqtt_check (const ModProgramConfig * config, GError ** error);

/* Listens to the hub. NULL with error: the address can't be used, or the program was
 * built without libmosquitto. A broker that isn't there is waited for. */
ModMqtt *mod_mqtt_new (const ModProgramConfig * config, ModHub * hub,
    GError ** error);
/* Waits a few seconds for what is on its way. */
void mod_mqtt_free (ModMqtt * self);

guint mod_mqtt_waiting (const ModMqtt * self);
guint64 mod_mqtt_lost (const ModMqtt * self);
gboolean mod_mqtt_is_connected (const ModMqtt * self);

G_END_DECLS
