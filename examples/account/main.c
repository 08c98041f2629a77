/* identifai-account: an account of the service, at a terminal
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results, overrides, heat maps, credits and users, by the calls that the service
 * documents, through the client that the plugin's elements have: the same limits,
 * retries, proxies, key files and words.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "account.h"

#include <gst/gst.h>
#include <locale.h>
#include <string.h>

AccountOptions account_options = {.timeout = 30,.retries = 5 };

static const GOptionEntry common_entries[] = {
  {"json", 'j', 0, G_OPTION_ARG_NONE, &account_options.json,
      "Print what the service says, as JSON", NULL},
  {"api-key-file", 0, 0, G_OPTION_ARG_FILENAME, &account_options.api_key_file,
      "A file whose first line is the key", "FILE"},
  {"endpoint", 0, 0, G_OPTION_ARG_STRING, &account_options.endpoint,
      "Base URL of the service", "URL"},
  {"allow-plain-http", 0, 0, G_OPTION_ARG_NONE,
        &account_options.allow_plain_http,
      "Let http:// be on another machine: the key travels in clear", NULL},
  {"proxy", 0, 0, G_OPTION_ARG_STRING, &account_options.proxy,
      "URL of the proxy, instead of the environment's", "URL"},
  {"tls-ca-file", 0, 0, G_OPTION_ARG_FILENAME, &account_options.tls_ca_file,
      "PEM file of authorities to trust instead of the system's", "FILE"},
  {"timeout", 0, 0, G_OPTION_ARG_INT, &account_options.timeout,
      "Longest silence on a connection (30)", "SECONDS"},
  {"retries", 0, 0, G_OPTION_ARG_INT, &account_options.retries,
        "How often a call is made again for what may pass (5; -1 = endlessly)",
      "N"},
  {"no-limits", 0, 0, G_OPTION_ARG_NONE, &account_options.no_limits,
      "Don't keep to the published rate limits", NULL},
  {NULL}
};

/* Commands. */

static const AccountCommand *
find_command (const gchar * name)
{
  const AccountCommand *command;

  for (command = account_result_commands; command->name != NULL; command++)
    if (g_str_equal (command->name, name))
      return command;

  return g_str_equal (account_users_command.name, name) ?
      &account_users_command : NULL;
}

static void
print_command (const AccountCommand * command)
{
  g_print ("  %s %s\n      %s\n", command->name, command->arguments,
      command->summary);
}

static const gchar exit_text[] =
    "Environment:\n"
    "  IDENTIFAI_ENDPOINT, IDENTIFAI_API_KEY, IDENTIFAI_API_KEY_FILE, and\n"
    "  http_proxy, https_proxy, all_proxy, no_proxy\n"
    "\n"
    "Exit status:\n"
    "  0  done\n"
    "  1  the service refused, or knows nothing of what was asked for\n"
    "  2  wrong arguments, settings or files, or a question was answered with no\n"
    "  3  no answer, none to be understood, or a fault of the service";

static gint
print_help (void)
{
  const AccountCommand *command;

  g_print ("Usage:\n  identifai-account COMMAND [OPTION…] [ARGUMENT…]\n\n"
      "Results, overrides, heat maps, credits and users of an account of\n"
      "identifAI's classification service.\n\nCommands:\n");
  for (command = account_result_commands; command->name != NULL; command++)
    print_command (command);
  print_command (&account_users_command);
  g_print ("\nOptions:\n"
      "  -h, --help       This, or behind a command what that does and takes\n"
      "  --version        Print the version\n"
      "  -j, --json       Print what the service says, as JSON\n"
      "  --endpoint URL, --api-key-file FILE, and others that all commands have\n"
      "\n%s\n", exit_text);

  return ACCOUNT_DONE;
}

/* Others could read a key there. */
static gboolean
has_key_option (gchar ** argv)
{
  for (; *argv != NULL; argv++)
    if (g_str_equal (*argv, "--api-key")
        || g_str_has_prefix (*argv, "--api-key="))
      return TRUE;

  return FALSE;
}

static GOptionContext *
make_context (const AccountCommand * command)
{
  g_autofree gchar *usage = g_strdup_printf ("%s", command->arguments);
  GOptionContext *context = g_option_context_new (usage);
  GOptionGroup *group;

  g_option_context_set_summary (context, command->summary);
  g_option_context_set_description (context, command->details);
  if (command->entries != NULL)
    g_option_context_add_main_entries (context, command->entries, NULL);
  group = g_option_group_new ("common", "Options of all commands:",
      "Options of all commands", NULL, NULL);
  g_option_group_add_entries (group, common_entries);
  g_option_context_add_group (context, group);
  g_option_context_set_strict_posix (context, FALSE);

  return context;
}

static gint
print_command_help (const AccountCommand * command)
{
  g_autoptr (GOptionContext) context = make_context (command);
  g_autofree gchar *name = g_strdup_printf ("identifai-account %s",
      command->name);
  g_autofree gchar *text = NULL;

  g_set_prgname (name);
  text = g_option_context_get_help (context, FALSE, NULL);
  g_print ("%s", text);

  return ACCOUNT_DONE;
}

static const gchar *
find_fault (const AccountCommand * command, gint n)
{
  if (n < command->min)
    return "something is missing";
  if (command->max >= 0 && n > command->max)
    return "there are too many arguments";
  if (account_options.timeout < 1 || account_options.timeout > 3600)
    return "--timeout must be between 1 and 3600 seconds";

  return account_options.retries < -1 ? "--retries must be -1 or more" : NULL;
}

/* argv[0] is the command. */
static gint
run_command (const AccountCommand * command, gint argc, gchar ** argv)
{
  Account self = {.command = command->name };
  g_autoptr (GOptionContext) context = make_context (command);
  g_autoptr (GError) error = NULL;
  const gchar *fault;
  gint status;

  if (!g_option_context_parse (context, &argc, &argv, &error))
    return account_fail (&self, ACCOUNT_WRONG_USE, "%s. See identifai-account "
        "%s --help", error->message, command->name);
  /* what stands behind "--" is left */
  if (argc > 1 && g_str_equal (argv[1], "--"))
    argv++, argc--;
  fault = find_fault (command, argc - 1);
  if (fault != NULL)
    return account_fail (&self, ACCOUNT_WRONG_USE, "%s: %s. Usage: "
        "identifai-account %s %s", command->name, fault, command->name,
        command->arguments);

  self.options = account_options;
  status = command->run (&self, argv + 1);
  account_close (&self);

  return status;
}

static gboolean
wants_help (gchar ** argv)
{
  for (; *argv != NULL && !g_str_equal (*argv, "--"); argv++)
    if (g_str_equal (*argv, "--help") || g_str_equal (*argv, "-h"))
      return TRUE;

  return FALSE;
}

int
main (int argc, char **argv)
{
  Account self = { {NULL,}, };
  const AccountCommand *command;

  setlocale (LC_ALL, "");
  g_set_prgname ("identifai-account");
  /* no element is made: the registry's cache will do, however old */
  g_setenv ("GST_REGISTRY_UPDATE", "no", FALSE);
  gst_init (NULL, NULL);

  if (argc < 2) {
    print_help ();
    return ACCOUNT_WRONG_USE;
  }
  if (g_str_equal (argv[1], "--version")) {
    g_print ("identifai-account " VERSION "\n");
    return ACCOUNT_DONE;
  }
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h")
      || g_str_equal (argv[1], "help"))
    return print_help ();
  if (has_key_option (argv))
    return account_fail (&self, ACCOUNT_WRONG_USE,
        "a key on a command line can "
        "be read by other users: set IDENTIFAI_API_KEY, or --api-key-file");
  command = find_command (argv[1]);
  if (command == NULL)
    return account_fail (&self, ACCOUNT_WRONG_USE, argv[1][0] == '-' ?
        "the command comes first, and %s is none. See --help" :
        "there is no command %s. See --help", argv[1]);
  if (wants_help (argv + 2))
    return print_command_help (command);

  return run_command (command, argc - 1, argv + 1);
}
