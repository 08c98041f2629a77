/* identifai-emulator: fetches the file that a call names by its address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Main thread only. From this machine and from hosts that were named, and
 * without proxies; a redirect is followed to the same host only.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _EmuFetcher EmuFetcher;

/* hosts: NULL = fetches nothing; else from this machine and from these. timeout:
 * seconds for a whole fetch. */
EmuFetcher *emu_fetcher_new (gchar ** hosts, gdouble timeout);
/* Nothing must be under way any more. */
void emu_fetcher_free (EmuFetcher * self);
/* Ends what is under way: done is still called, later. */
void emu_fetcher_cancel (EmuFetcher * self);

/* FALSE: that was enough. */
typedef gboolean (*EmuFetchDataFunc) (const guint8 * data, gsize length,
    gpointer user_data);
/* problem: why there is no file, or NULL. */
typedef void (*EmuFetchDoneFunc) (const gchar * problem, gpointer user_data);

/* Calls back later, but never at once; at the end done, once. */
void emu_fetcher_get (EmuFetcher * self, const gchar * url,
    EmuFetchDataFunc data, EmuFetchDoneFunc done, gpointer user_data);

/* Whether it may be fetched; else *problem is a sentence about why not. */
gboolean emu_fetcher_allows (EmuFetcher * self, GUri * uri,
    const gchar ** problem);

G_END_DECLS
