/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "linkcount.h"
#include <malloc.h>

static gint live;

gint
link_count_get (void)
{
  return g_atomic_int_get (&live);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *block, size_t size);
extern void __libc_free (void *block);

static void *
count (void *block, gint change)
{
  if (block && malloc_usable_size (block) == sizeof (GList))
    g_atomic_int_add (&live, change);

  return block;
}

void *
malloc (size_t size)
{
  return count (__libc_malloc (size), 1);
}

void *
calloc (size_t n, size_t size)
{
  return count (__libc_calloc (n, size), 1);
}

void *
realloc (void *block, size_t size)
{
  void *moved;

  count (block, -1);
  moved = __libc_realloc (block, size);

  /* A block that could not be moved is still there. */
  return moved || size == 0 ? count (moved, 1) : (count (block, 1), NULL);
}

void
free (void *block)
{
  count (block, -1);
  __libc_free (block);
}

#endif
