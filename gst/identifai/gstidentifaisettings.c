/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The values of the properties: one table says where each goes in the struct.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiproperties.h"
#include "policy.h"

#include <string.h>

typedef enum
{
  KIND_NONE,                    /* not in the table */
  KIND_STRING,
  KIND_BOOLEAN,
  KIND_INT,
  KIND_UINT,
  KIND_UINT64,
  KIND_ENUM,
  KIND_BOXED,
  KIND_HEADERS,
  KIND_POLICY,
} Kind;

/* *INDENT-OFF* */
static const struct
{
  Kind kind;
  gsize offset;
  gboolean mutable;             /* while playing */
} fields[N_PROPS] = {
  [PROP_ENDPOINT] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, endpoint), FALSE},
  [PROP_API_KEY] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, api_key), TRUE},
  [PROP_API_KEY_FILE] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, api_key_file), FALSE},
  [PROP_EXTRA_HEADERS] = {KIND_HEADERS, G_STRUCT_OFFSET (GstIdentifaiSettings, extra_headers), TRUE},
  [PROP_ALLOW_PLAIN_HTTP] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, allow_plain_http), FALSE},
  [PROP_PROXY] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, proxy), FALSE},
  [PROP_USER_AGENT] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, user_agent), FALSE},
  [PROP_TLS_CA_FILE] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, tls_ca_file), FALSE},
  [PROP_TIMEOUT] = {KIND_UINT, G_STRUCT_OFFSET (GstIdentifaiSettings, timeout), FALSE},
  [PROP_RETRIES] = {KIND_INT, G_STRUCT_OFFSET (GstIdentifaiSettings, retries), FALSE},
  [PROP_REF_ID] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, ref_id), TRUE},
  [PROP_FRAMES] = {KIND_ENUM, G_STRUCT_OFFSET (GstIdentifaiSettings, frames), TRUE},
  [PROP_KEY_FRAMES] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, flags[GST_IDENTIFAI_FLAG_KEY_FRAMES]), TRUE},
  [PROP_KEY_FRAMES_METHOD] = {KIND_ENUM, G_STRUCT_OFFSET (GstIdentifaiSettings, key_frames_method), TRUE},
  [PROP_WITH_TAMPERING] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, flags[GST_IDENTIFAI_FLAG_WITH_TAMPERING]), TRUE},
  [PROP_WITH_MORPHING] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, flags[GST_IDENTIFAI_FLAG_WITH_MORPHING]), TRUE},
  [PROP_WITH_AUDIO] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, flags[GST_IDENTIFAI_FLAG_WITH_AUDIO]), TRUE},
  [PROP_WITH_NSFW] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, flags[GST_IDENTIFAI_FLAG_WITH_NSFW]), TRUE},
  [PROP_ENSURE_FACE_PER_FRAME] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, flags[GST_IDENTIFAI_FLAG_ENSURE_FACE_PER_FRAME]), TRUE},
  [PROP_NO_CACHE] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, flags[GST_IDENTIFAI_FLAG_NO_CACHE]), TRUE},
  [PROP_PREVENT_C2PA_FORCES] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, flags[GST_IDENTIFAI_FLAG_PREVENT_C2PA_FORCES]), TRUE},
  [PROP_WEBHOOK_URL] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, webhook_url), TRUE},
  [PROP_EXTRA_PARAMETERS] = {KIND_BOXED, G_STRUCT_OFFSET (GstIdentifaiSettings, extra_parameters), TRUE},
  [PROP_RESPONSE_FORMAT] = {KIND_ENUM, G_STRUCT_OFFSET (GstIdentifaiSettings, response_format), TRUE},
  [PROP_HEURISTIC] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, heuristic), TRUE},
  [PROP_POLICY] = {KIND_POLICY, G_STRUCT_OFFSET (GstIdentifaiSettings, policy), TRUE},
  [PROP_SEGMENT_DURATION] = {KIND_UINT64, G_STRUCT_OFFSET (GstIdentifaiSettings, segment_duration), FALSE},
  [PROP_SEGMENT_INTERVAL] = {KIND_UINT64, G_STRUCT_OFFSET (GstIdentifaiSettings, segment_interval), FALSE},
  [PROP_MAX_SEGMENT_BYTES] = {KIND_UINT64, G_STRUCT_OFFSET (GstIdentifaiSettings, max_segment_bytes), FALSE},
  [PROP_SEND_KEYFRAME_REQUESTS] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, send_keyframe_requests), FALSE},
  [PROP_ALIGN_TO_CLOCK] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, align_to_clock), FALSE},
  [PROP_JUDGING] = {KIND_BOOLEAN, G_STRUCT_OFFSET (GstIdentifaiSettings, judging), TRUE},
  [PROP_MUXER] = {KIND_STRING, G_STRUCT_OFFSET (GstIdentifaiSettings, muxer), FALSE},
  [PROP_OVERFLOW] = {KIND_ENUM, G_STRUCT_OFFSET (GstIdentifaiSettings, overflow), FALSE},
  [PROP_MAX_PENDING_BYTES] = {KIND_UINT64, G_STRUCT_OFFSET (GstIdentifaiSettings, max_pending_bytes), FALSE},
  [PROP_MAX_PENDING_SEGMENTS] = {KIND_UINT, G_STRUCT_OFFSET (GstIdentifaiSettings, max_pending_segments), FALSE},
  [PROP_MAX_UPLOADS_PER_HOUR] = {KIND_UINT, G_STRUCT_OFFSET (GstIdentifaiSettings, max_uploads_per_hour), FALSE},
  [PROP_POLL_INTERVAL] = {KIND_UINT64, G_STRUCT_OFFSET (GstIdentifaiSettings, poll_interval), FALSE},
  [PROP_VERDICT_TIMEOUT] = {KIND_UINT64, G_STRUCT_OFFSET (GstIdentifaiSettings, verdict_timeout), FALSE},
  [PROP_DRAIN_TIMEOUT] = {KIND_UINT64, G_STRUCT_OFFSET (GstIdentifaiSettings, drain_timeout), FALSE},
  [PROP_ON_REFUSAL] = {KIND_ENUM, G_STRUCT_OFFSET (GstIdentifaiSettings, on_refusal), FALSE},
};

/* The fields of rate-limits, and where they go. */
static const struct
{
  const gchar *name;
  IdentifaiCall call;
  gsize offset;
  guint value;                  /* the service's published limit */
} limit_fields[] = {
  {"post-per-second", IDENTIFAI_CALL_POST, G_STRUCT_OFFSET (IdentifaiLimit, per_second), 1},
  {"post-per-minute", IDENTIFAI_CALL_POST, G_STRUCT_OFFSET (IdentifaiLimit, per_minute), 30},
  {"get-per-second", IDENTIFAI_CALL_GET, G_STRUCT_OFFSET (IdentifaiLimit, per_second), 2},
  {"get-per-minute", IDENTIFAI_CALL_GET, G_STRUCT_OFFSET (IdentifaiLimit, per_minute), 60},
};
/* *INDENT-ON* */

static gchar *
environment_or (const gchar * variable, const gchar * fallback)
{
  const gchar *value = g_getenv (variable);

  return g_strdup (value != NULL && *value != '\0' ? value : fallback);
}

static guint *
limit_value (IdentifaiLimit * limits, guint i)
{
  return (guint *) ((guint8 *) & limits[limit_fields[i].call]
      + limit_fields[i].offset);
}

/* The environment's key and key file are looked up when the element starts, as
 * a property goes before both. */
void
gst_identifai_settings_init (GstIdentifaiSettings * self)
{
  guint i;

  *self = (GstIdentifaiSettings) {
  .endpoint =
        environment_or ("IDENTIFAI_ENDPOINT", DEFAULT_ENDPOINT),.user_agent =
        g_strdup (DEFAULT_USER_AGENT),.timeout = DEFAULT_TIMEOUT,.retries =
        DEFAULT_RETRIES,.segment_duration =
        DEFAULT_SEGMENT_DURATION,.max_segment_bytes =
        DEFAULT_MAX_SEGMENT_BYTES,.send_keyframe_requests =
        DEFAULT_SEND_KEYFRAME_REQUESTS,.align_to_clock =
        DEFAULT_ALIGN_TO_CLOCK,.judging = DEFAULT_JUDGING,.muxer =
        g_strdup (DEFAULT_MUXER),.max_pending_bytes =
        DEFAULT_MAX_PENDING_BYTES,.max_pending_segments =
        DEFAULT_MAX_PENDING_SEGMENTS,.max_uploads_per_hour =
        DEFAULT_MAX_UPLOADS_PER_HOUR,.verdict_timeout =
        DEFAULT_VERDICT_TIMEOUT,.drain_timeout = DEFAULT_DRAIN_TIMEOUT,};
  for (i = 0; i < G_N_ELEMENTS (limit_fields); i++)
    *limit_value (self->limits, i) = limit_fields[i].value;
}

static gpointer
field_pointer (const GstIdentifaiSettings * self, guint id)
{
  return (guint8 *) self + fields[id].offset;
}

void
gst_identifai_settings_clear (GstIdentifaiSettings * self)
{
  guint id;

  for (id = 1; id < N_PROPS; id++) {
    if (fields[id].kind == KIND_STRING)
      g_clear_pointer ((gchar **) field_pointer (self, id), g_free);
    else if (fields[id].kind == KIND_BOXED || fields[id].kind == KIND_POLICY)
      gst_clear_structure ((GstStructure **) field_pointer (self, id));
    else if (fields[id].kind == KIND_HEADERS)
      g_clear_pointer ((IdentifaiExtraHeaders **) field_pointer (self, id),
          identifai_extra_headers_unref);
  }
}

/* extra-headers: what is read is the names. Whoever sets that again would send
 * the marks. */
#define HIDDEN "***"

static void
add_header (IdentifaiExtraHeaders * headers, const gchar * name,
    const GValue * value)
{
  GValue string = G_VALUE_INIT;
  const gchar *text = NULL;
  GError *error = NULL;

  g_value_init (&string, G_TYPE_STRING);
  if (g_value_transform (value, &string))
    text = g_value_get_string (&string);

  if (text == NULL)
    g_warning ("extra-headers: %s is not sent: it has no text", name);
  else if (g_str_equal (text, HIDDEN))
    g_warning ("extra-headers: %s is not sent: its value was hidden when it "
        "was read", name);
  else if (!identifai_extra_headers_add (headers, name, text, &error))
    g_warning ("extra-headers: %s", error->message);
  g_clear_error (&error);
  g_value_unset (&string);
}

/* As souphttpsrc has it: an array or a list is a header several times. */
static gboolean
add_headers (GQuark id, const GValue * value, gpointer user_data)
{
  const gchar *name = g_quark_to_string (id);
  gboolean array = GST_VALUE_HOLDS_ARRAY (value);
  guint i, n;

  if (!array && !GST_VALUE_HOLDS_LIST (value)) {
    add_header (user_data, name, value);
    return TRUE;
  }

  n = array ? gst_value_array_get_size (value) :
      gst_value_list_get_size (value);
  for (i = 0; i < n; i++)
    add_header (user_data, name, array ? gst_value_array_get_value (value, i)
        : gst_value_list_get_value (value, i));

  return TRUE;
}

static void
set_headers (IdentifaiExtraHeaders ** field, const GstStructure * structure)
{
  IdentifaiExtraHeaders *headers = NULL;

  if (structure != NULL) {
    headers = identifai_extra_headers_new ();
    gst_structure_foreach (structure, add_headers, headers);
  }
  identifai_extra_headers_unref (*field);
  *field = headers;
}

static void
get_headers (IdentifaiExtraHeaders * headers, GValue * value)
{
  GstStructure *structure;
  guint i;

  if (headers == NULL)
    return;

  structure = gst_structure_new_empty ("extra-headers");
  for (i = 0; i < identifai_extra_headers_get_count (headers); i++)
    gst_structure_set (structure, identifai_extra_headers_get_name (headers, i),
        G_TYPE_STRING, HIDDEN, NULL);
  g_value_take_boxed (value, structure);
}

static gboolean
warn_unknown_limit (GQuark id, const GValue * value, gpointer user_data)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (limit_fields); i++) {
    if (g_str_equal (g_quark_to_string (id), limit_fields[i].name))
      return TRUE;
  }
  g_warning ("rate-limits: there is no %s; there are post-per-second, "
      "post-per-minute, get-per-second, get-per-minute",
      g_quark_to_string (id));

  return TRUE;
}

/* The word alone counts, where there are no fields. */
static void
lift_limits (GstIdentifaiSettings * self, const GstStructure * limits)
{
  if (gst_structure_has_name (limits, "none"))
    memset (self->limits, 0, sizeof (self->limits));
  else if (gst_structure_n_fields (limits) == 0
      && !gst_structure_has_name (limits, "limits"))
    g_warning ("rate-limits: \"%s\" says nothing; write none to lift all four, "
        "or fields such as limits,post-per-minute=15",
        gst_structure_get_name (limits));
}

static void
set_limits (GstIdentifaiSettings * self, const GstStructure * limits)
{
  guint i;

  if (limits != NULL) {
    lift_limits (self, limits);
    gst_structure_foreach (limits, warn_unknown_limit, NULL);
  }
  for (i = 0; limits != NULL && i < G_N_ELEMENTS (limit_fields); i++) {
    const GValue *value = gst_structure_get_value (limits,
        limit_fields[i].name);
    GValue number = G_VALUE_INIT;

    if (value == NULL)
      continue;
    g_value_init (&number, G_TYPE_INT64);
    if (!g_value_transform (value, &number)
        || g_value_get_int64 (&number) < 0
        || g_value_get_int64 (&number) > G_MAXINT)
      g_warning ("rate-limits: %s must be a number of calls, 0 or more",
          limit_fields[i].name);
    else
      *limit_value (self->limits, i) = g_value_get_int64 (&number);
    g_value_unset (&number);
  }
}

static void
get_limits (const GstIdentifaiSettings * self, GValue * value)
{
  GstStructure *limits = gst_structure_new_empty ("limits");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (limit_fields); i++)
    gst_structure_set (limits, limit_fields[i].name, G_TYPE_UINT,
        *limit_value ((IdentifaiLimit *) self->limits, i), NULL);
  g_value_take_boxed (value, limits);
}

gboolean
gst_identifai_settings_is_mutable (guint id)
{
  return id < N_PROPS && fields[id].mutable;
}

gchar *
gst_identifai_settings_list_idle (const GstIdentifaiSettings * self)
{
  static const struct
  {
    guint id;
    const gchar *name;
  } idle[] = {
    {PROP_SEGMENT_DURATION, "segment-duration"},
    {PROP_SEGMENT_INTERVAL, "segment-interval"},
    {PROP_SEND_KEYFRAME_REQUESTS, "send-keyframe-requests"},
    {PROP_ALIGN_TO_CLOCK, "align-to-clock"},
    {PROP_MUXER, "muxer"},
  };
  GString *names = g_string_new (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (idle); i++) {
    if (self->set & (G_GUINT64_CONSTANT (1) << idle[i].id))
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "",
          idle[i].name);
  }

  return g_string_free (names, names->len == 0);
}

gchar *
gst_identifai_settings_list_short (const GstIdentifaiSettings * self)
{
  const struct
  {
    const gchar *name;
    GstClockTime time, least;
  } times[] = {
    {"segment-duration", self->segment_duration, 100 * GST_MSECOND},
    {"segment-interval", self->segment_interval, 100 * GST_MSECOND},
    {"poll-interval", self->poll_interval, GST_MSECOND},
    {"verdict-timeout", self->verdict_timeout, GST_MSECOND},
    {"drain-timeout", self->drain_timeout, GST_MSECOND},
  };
  GString *names = g_string_new (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (times); i++) {
    if (times[i].time > 0 && times[i].time < times[i].least)
      g_string_append_printf (names, "%s%s=%" G_GUINT64_FORMAT,
          names->len > 0 ? ", " : "", times[i].name, times[i].time);
  }

  return g_string_free (names, names->len == 0);
}

static void
set_string (gchar ** field, const GValue * value)
{
  const gchar *string = g_value_get_string (value);

  g_free (*field);
  /* An empty string is how gst-launch-1.0 writes "none". */
  *field = string != NULL && *string != '\0' ? g_strdup (string) : NULL;
}

/* One that makes no sense is refused. */
static void
set_policy (GstStructure ** field, const GstStructure * policy)
{
  IdentifaiPolicySettings settings;
  GError *error = NULL;

  if (policy != NULL
      && !identifai_policy_settings_read (&settings, policy, &error)) {
    g_warning ("policy is not changed: %s", error->message);
    g_error_free (error);
    return;
  }
  gst_clear_structure (field);
  if (policy != NULL)
    *field = gst_structure_copy (policy);
}

gboolean
gst_identifai_settings_set (GstIdentifaiSettings * self, guint id,
    const GValue * value)
{
  gpointer field;

  G_STATIC_ASSERT (N_PROPS <= 64);
  if (id < N_PROPS)
    self->set |= G_GUINT64_CONSTANT (1) << id;
  if (id == PROP_RATE_LIMITS) {
    set_limits (self, gst_value_get_structure (value));
    return TRUE;
  }
  if (id >= N_PROPS)
    return FALSE;

  field = field_pointer (self, id);
  switch (fields[id].kind) {
    case KIND_STRING:
      set_string (field, value);
      return TRUE;
    case KIND_BOOLEAN:
      *(gboolean *) field = g_value_get_boolean (value);
      return TRUE;
    case KIND_INT:
      *(gint *) field = g_value_get_int (value);
      return TRUE;
    case KIND_UINT:
      *(guint *) field = g_value_get_uint (value);
      return TRUE;
    case KIND_UINT64:
      *(guint64 *) field = g_value_get_uint64 (value);
      return TRUE;
    case KIND_ENUM:
      *(gint *) field = g_value_get_enum (value);
      return TRUE;
    case KIND_BOXED:
      gst_clear_structure ((GstStructure **) field);
      *(GstStructure **) field = g_value_dup_boxed (value);
      return TRUE;
    case KIND_HEADERS:
      set_headers (field, gst_value_get_structure (value));
      return TRUE;
    case KIND_POLICY:
      set_policy (field, gst_value_get_structure (value));
      return TRUE;
    case KIND_NONE:
      break;
  }

  return FALSE;
}

gboolean
gst_identifai_settings_get (const GstIdentifaiSettings * self, guint id,
    GValue * value)
{
  gconstpointer field;

  if (id == PROP_RATE_LIMITS) {
    get_limits (self, value);
    return TRUE;
  }
  if (id >= N_PROPS)
    return FALSE;

  field = field_pointer (self, id);
  switch (fields[id].kind) {
    case KIND_STRING:
      g_value_set_string (value, *(gchar * const *) field);
      return TRUE;
    case KIND_BOOLEAN:
      g_value_set_boolean (value, *(const gboolean *) field);
      return TRUE;
    case KIND_INT:
      g_value_set_int (value, *(const gint *) field);
      return TRUE;
    case KIND_UINT:
      g_value_set_uint (value, *(const guint *) field);
      return TRUE;
    case KIND_UINT64:
      g_value_set_uint64 (value, *(const guint64 *) field);
      return TRUE;
    case KIND_ENUM:
      g_value_set_enum (value, *(const gint *) field);
      return TRUE;
    case KIND_BOXED:
    case KIND_POLICY:
      g_value_set_boxed (value, *(GstStructure * const *) field);
      return TRUE;
    case KIND_HEADERS:
      get_headers (*(IdentifaiExtraHeaders * const *) field, value);
      return TRUE;
    case KIND_NONE:
      break;
  }

  return FALSE;
}
