/* A disk that hangs: what is to be written, synced or renamed in a folder waits while there is
 * a file of the folder's name and ".hangs". For LD_PRELOAD.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
wait_for_disk (const char *path)
{
  const char *name = strrchr (path, '/');
  char hangs[PATH_MAX + 8];

  if (name == NULL)
    return;
  snprintf (hangs, sizeof hangs, "%.*s.hangs", (int) (name - path), path);
  while (access (hangs, F_OK) == 0)
    usleep (10000);
}

static void
wait_for_file (int fd)
{
  char link[64], path[PATH_MAX];
  ssize_t length;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink (link, path, sizeof path - 1);
  if (length <= 0)
    return;
  path[length] = '\0';
  wait_for_disk (path);
}

ssize_t
write (int fd, const void *data, size_t length)
{
  static ssize_t (*real) (int, const void *, size_t);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "write");
  wait_for_file (fd);
  return real (fd, data, length);
}

int
fsync (int fd)
{
  static int (*real) (int);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "fsync");
  wait_for_file (fd);
  return real (fd);
}

int
fdatasync (int fd)
{
  static int (*real) (int);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "fdatasync");
  wait_for_file (fd);
  return real (fd);
}

int
rename (const char *from, const char *to)
{
  static int (*real) (const char *, const char *);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "rename");
  wait_for_disk (to);
  return real (from, to);
}
