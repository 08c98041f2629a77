/* identifai-account: what it asks for
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "account.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MAX_LINE 1000

/* A line without its end; NULL: there is none. */
static gchar *
read_line (FILE * file)
{
  gchar line[MAX_LINE];
  gchar *copy;

  if (fgets (line, sizeof (line), file) == NULL)
    return NULL;
  line[strcspn (line, "\r\n")] = '\0';
  copy = g_strdup (line);
  memset (line, 0, sizeof (line));

  return copy;
}

gboolean
account_confirm (const gchar * question)
{
  g_autofree gchar *line = NULL;

  if (!isatty (STDIN_FILENO) || !isatty (STDERR_FILENO))
    return FALSE;
  g_printerr ("%s [y/N] ", question);
  line = read_line (stdin);

  return line != NULL && (g_ascii_strcasecmp (line, "y") == 0
      || g_ascii_strcasecmp (line, "yes") == 0);
}

/* A line of a terminal, without its end. */
static gchar *
read_terminal (int terminal)
{
  gchar line[MAX_LINE];
  gssize size = read (terminal, line, sizeof (line) - 1);
  gchar *copy;

  if (size <= 0)
    return NULL;
  line[size] = '\0';
  line[strcspn (line, "\r\n")] = '\0';
  copy = g_strdup (line);
  memset (line, 0, sizeof (line));

  return copy;
}

/* Without ISIG, Ctrl-C ends the line instead of the program, which would leave the
 * terminal silent. NULL: that, or the terminal is gone. */
static gchar *
prompt (int terminal, const gchar * text)
{
  struct termios before, silent;
  gchar *line;

  if (tcgetattr (terminal, &before) != 0)
    return NULL;
  silent = before;
  silent.c_lflag &= ~(ECHO | ECHOE | ECHOK | ISIG);
  silent.c_lflag |= ECHONL;
  silent.c_cc[VEOL] = before.c_cc[VINTR];
  tcsetattr (terminal, TCSAFLUSH, &silent);
  line = write (terminal, text, strlen (text)) > 0 ?
      read_terminal (terminal) : NULL;
  tcsetattr (terminal, TCSADRAIN, &before);
  if (line != NULL && strchr (line, before.c_cc[VINTR]) != NULL)
    g_clear_pointer (&line, g_free);

  return line;
}

gchar *
account_ask_password (GError ** error)
{
  int terminal = open ("/dev/tty", O_RDWR | O_CLOEXEC);
  gchar *one = NULL, *other = NULL;

  if (terminal >= 0) {
    one = prompt (terminal, "Password: ");
    other = one != NULL ? prompt (terminal, "Once more: ") : NULL;
    close (terminal);
  }
  if (one != NULL && *one != '\0' && g_strcmp0 (one, other) == 0) {
    g_free (other);
    return one;
  }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      one == NULL || other == NULL ? "there is no terminal to ask for the "
      "password, or nothing was said: use --password-file" :
      "the two are not the same, or empty");
  g_free (one);
  g_free (other);

  return NULL;
}

gchar *
account_read_password (const gchar * path, GError ** error)
{
  gboolean is_stdin = g_str_equal (path, "-");
  FILE *file = is_stdin ? stdin : fopen (path, "r");
  gchar *line = file != NULL ? read_line (file) : NULL;

  if (file != NULL && !is_stdin)
    fclose (file);
  if (line != NULL && *line != '\0')
    return line;
  g_free (line);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "there is no password in %s: its first line is taken", path);

  return NULL;
}
