/* identifai-emulator: what people are told: a line, and that the page shows something new
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "server.h"

void
emu_log (EmuServer * self, const gchar * format, ...)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GDateTime) now = NULL;
  va_list args;

  if (self->options->quiet)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  now = g_date_time_new_now_local ();
  g_printerr ("%02d:%02d:%02d.%03d %s\n", g_date_time_get_hour (now),
      g_date_time_get_minute (now), g_date_time_get_second (now),
      g_date_time_get_microsecond (now) / 1000, text);
}

void
emu_server_touch (EmuServer * self)
{
  self->version++;
}
