/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The plugin's entry point.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"
#include "gstidentifaiimagesink.h"
#include "gstidentifaimessages.h"
#include "gstidentifaisink.h"
#include "gstidentifaispeechsink.h"
#include "log.h"

static gboolean
plugin_init (GstPlugin * plugin)
{
  identifai_log_init ();
  gst_identifai_register_tags ();

  return GST_ELEMENT_REGISTER (identifaisink, plugin)
      && GST_ELEMENT_REGISTER (identifaiimagesink, plugin)
      && GST_ELEMENT_REGISTER (identifaispeechsink, plugin)
      && GST_ELEMENT_REGISTER (identifaigate, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, identifai,
    "Judges video with identifAI's classification service",
    plugin_init, VERSION, "LGPL", GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
