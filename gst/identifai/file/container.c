/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "container.h"
#include "log.h"

#include <gst/base/gsttypefindhelper.h>
#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

#define MIN_TYPEFIND_BYTES 4096
#define MAX_TYPEFIND_BYTES (128 * 1024)

#define MAX_NAME_BYTES 255
#define MAX_EXTENSION_BYTES 5

/* The first row whose name and variant fit counts. */
static const struct
{
  const gchar *name;
  const gchar *variant;         /* NULL: any */
  IdentifaiContainer container;
} types[] = {
  {"video/quicktime", "apple", {"video/quicktime", "mov"}},
  {"video/quicktime", "3gpp", {"video/3gpp", "3gp"}},
  {"video/quicktime", "3g2", {"video/3gpp2", "3g2"}},
  {"video/quicktime", NULL, {"video/mp4", "mp4"}},
  {"video/x-matroska", NULL, {"video/x-matroska", "mkv"}},
  {"video/webm", NULL, {"video/webm", "webm"}},
  {"video/mpegts", NULL, {"video/mp2t", "ts"}},
  {"video/mpeg", NULL, {"video/mpeg", "mpg"}},
  {"video/x-msvideo", NULL, {"video/x-msvideo", "avi"}},
  {"video/x-flv", NULL, {"video/x-flv", "flv"}},
  {"video/x-ms-asf", NULL, {"video/x-ms-asf", "wmv"}},
  {"application/ogg", NULL, {"video/ogg", "ogv"}},
  {"video/ogg", NULL, {"video/ogg", "ogv"}},
  {"application/x-3gp", NULL, {"video/3gpp", "3gp"}},
};

static gboolean
is_elementary_mpeg (const GstStructure * structure)
{
  gboolean systemstream = FALSE;

  return gst_structure_has_name (structure, "video/mpeg")
      && !(gst_structure_get_boolean (structure, "systemstream",
          &systemstream) && systemstream);
}

const IdentifaiContainer *
identifai_container_from_caps (GstCaps * caps)
{
  const GstStructure *structure;
  const gchar *variant;
  guint i;

  if (gst_caps_is_empty (caps) || gst_caps_is_any (caps))
    return NULL;
  structure = gst_caps_get_structure (caps, 0);
  if (is_elementary_mpeg (structure))
    return NULL;

  variant = gst_structure_get_string (structure, "variant");
  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    if (gst_structure_has_name (structure, types[i].name)
        && (types[i].variant == NULL
            || g_strcmp0 (types[i].variant, variant) == 0))
      return &types[i].container;
  }

  return NULL;
}

/* Of files. The last part of another's path may be anything: of rtmp:, the key of
 * the stream. */
static gboolean
names_files (const gchar * scheme)
{
  static const gchar *const schemes[] =
      { "file", "http", "https", "ftp", "sftp",
    "smb", "s3", "gs", "resource", NULL
  };

  return scheme != NULL && g_strv_contains (schemes, scheme);
}

/* The last part of the path, decoded; NULL: none. */
static gchar *
get_last_part (const gchar * uri, gboolean * is_file)
{
  gchar *scheme = NULL, *path = NULL, *name = NULL;
  const gchar *slash;

  if (g_uri_split (uri, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED,
          &scheme, NULL, NULL, NULL, &path, NULL, NULL, NULL)
      && names_files (scheme)) {
    slash = strrchr (path, '/');
    name = g_uri_unescape_string (slash ? slash + 1 : path, "/");
  }
  *is_file = g_strcmp0 (scheme, "file") == 0;
  g_free (scheme);
  g_free (path);

  return name;
}

/* Of a name; NULL: none. */
static const gchar *
get_extension (const gchar * name)
{
  const gchar *dot = strrchr (name, '.'), *c;

  if (dot == NULL || dot == name || dot[1] == '\0'
      || strlen (dot + 1) > MAX_EXTENSION_BYTES)
    return NULL;
  for (c = dot + 1; *c != '\0'; c++) {
    if (!g_ascii_isalnum (*c))
      return NULL;
  }

  return dot + 1;
}

gchar *
identifai_container_name_from_uri (const gchar * name, const gchar * uri,
    const gchar * extension)
{
  gboolean is_file;
  gchar *last = get_last_part (uri, &is_file), *full, *valid = NULL;
  const gchar *own = last ? get_extension (last) : NULL;

  if (last != NULL && *last != '\0' && strlen (last) <= MAX_NAME_BYTES
      && (own != NULL || is_file)) {
    gint stem = own ? own - 1 - last : (gint) strlen (last);

    full = extension == NULL ? g_strdup (last) :
        g_strdup_printf ("%.*s.%s", stem, last, extension);
    valid = g_utf8_make_valid (full, -1);
    g_free (full);
  }
  GST_DEBUG_ID (name, "by its address the file is called %s",
      GST_STR_NULL (valid));
  g_free (last);

  return valid;
}

static void
set_type_error (GstCaps * caps, GError ** error)
{
  const gchar *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  if (g_str_has_prefix (name, "video/"))
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
        "This is %s, no container of audio and video: put parsebin in front "
        "of identifaisink.", name);
  else
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
        "This is %s, no video file; the service takes MP4, MOV, Matroska, "
        "WebM, AVI, MPEG, MPEG-TS, FLV, ASF and Ogg.", name);
}

IdentifaiTypeFound
identifai_container_typefind (const gchar * name,
    IdentifaiMemoryFile * bytes, gboolean at_end,
    const IdentifaiContainer ** container, GError ** error)
{
  guint64 size =
      MIN (identifai_memory_file_get_size (bytes), MAX_TYPEFIND_BYTES);
  gboolean enough = at_end || size == MAX_TYPEFIND_BYTES;
  GstTypeFindProbability probability = GST_TYPE_FIND_NONE;
  guint8 *data;
  GstCaps *caps;

  if (size < MIN_TYPEFIND_BYTES && !enough)
    return IDENTIFAI_TYPE_UNSURE;

  data = g_malloc (size);
  size = identifai_memory_file_read (bytes, 0, data, size);
  caps = gst_type_find_helper_for_data (NULL, data, size, &probability);
  g_free (data);

  GST_DEBUG_ID (name, "the first %" G_GUINT64_FORMAT " bytes: %" GST_PTR_FORMAT
      ", probability %u of 100%s", size, caps, probability,
      enough ? ", which has to do" : "");
  if (caps == NULL || (probability < GST_TYPE_FIND_LIKELY && !enough)) {
    gst_clear_caps (&caps);
    if (!enough)
      return IDENTIFAI_TYPE_UNSURE;
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_TYPE_NOT_FOUND,
        "The first %" G_GUINT64_FORMAT " bytes look like no video file.", size);
    return IDENTIFAI_TYPE_OTHER;
  }

  *container = identifai_container_from_caps (caps);
  if (*container == NULL)
    set_type_error (caps, error);
  GST_DEBUG_ID (name, "%" GST_PTR_FORMAT " is %s", caps,
      *container ? "taken as a file" : "no file that the service takes");
  gst_caps_unref (caps);

  return *container ? IDENTIFAI_TYPE_CONTAINER : IDENTIFAI_TYPE_OTHER;
}
