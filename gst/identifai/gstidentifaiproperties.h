/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of all elements are one table: what each is called and means,
 * its type, default and range, when it may change, and the field of
 * GstIdentifaiSettings that it goes to. Its pspec, its default in a new element,
 * setting, reading, what is warned of at start, the form fields that are plain
 * booleans and the tables in docs/reference come from its row, so adding a property
 * is a row and a field. The rows are in three files, gstidentifaiserviceproperties.c,
 * gstidentifaisegmentproperties.c and gstidentifaigateproperties.c.
 *
 * Each element installs its part, and where it differs (another default, say)
 * it has a row of its own under the same name. The table is constant.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The ids, the same in all elements. */
enum
{
  PROP_0,
  PROP_ENDPOINT,
  PROP_API_KEY,
  PROP_API_KEY_FILE,
  PROP_ALLOW_PLAIN_HTTP,
  PROP_PROXY,
  PROP_USER_AGENT,
  PROP_TLS_CA_FILE,
  PROP_TIMEOUT,
  PROP_RETRIES,
  PROP_EXTRA_HEADERS,
  PROP_RATE_LIMITS,
  PROP_REF_ID,
  PROP_FRAMES,
  PROP_KEY_FRAMES,
  PROP_KEY_FRAMES_METHOD,
  PROP_WITH_TAMPERING,
  PROP_WITH_MORPHING,
  PROP_WITH_AUDIO,
  PROP_WITH_NSFW,
  PROP_WITH_HEATMAP,
  PROP_ENSURE_FACE_PER_FRAME,
  PROP_NO_CACHE,
  PROP_PREVENT_C2PA_FORCES,
  PROP_WEBHOOK_URL,
  PROP_EXTRA_PARAMETERS,
  PROP_RESPONSE_FORMAT,
  PROP_HEURISTIC,
  PROP_POLICY,
  PROP_GATE_POLICY,
  PROP_RESUME_AT_IDR,
  PROP_SEGMENT_DURATION,
  PROP_GATE_SEGMENT_DURATION,
  PROP_SPEECH_SEGMENT_DURATION,
  PROP_SEGMENT_INTERVAL,
  PROP_IMAGE_SEGMENT_INTERVAL,
  PROP_MAX_SEGMENT_BYTES,
  PROP_SEND_KEYFRAME_REQUESTS,
  PROP_ALIGN_TO_CLOCK,
  PROP_JUDGING,
  PROP_EARLY_UPLOAD,
  PROP_MUXER,
  PROP_OVERFLOW,
  PROP_GATE_OVERFLOW,
  PROP_MAX_PENDING_BYTES,
  PROP_MAX_PENDING_SEGMENTS,
  PROP_MAX_UPLOADS_PER_HOUR,
  PROP_POLL_INTERVAL,
  PROP_VERDICT_TIMEOUT,
  PROP_DRAIN_TIMEOUT,
  PROP_ON_REFUSAL,
  PROP_ATTACH_FILE,
  PROP_MAX_ATTACHED_BYTES,
  PROP_SHA256,
  PROP_CREDITS_INTERVAL,
  PROP_CREDITS_WARNING,
  PROP_PENDING,
  PROP_UPLOADS,
  PROP_HOLD,
  PROP_ON_ARTIFICIAL,
  PROP_ON_UNKNOWN,
  PROP_ON_UNJUDGED,
  PROP_ON_UNSAMPLED,
  PROP_PRE_ROLL,
  PROP_POST_ROLL,
  PROP_MAX_HELD_BYTES,
  PROP_FORCE,
  PROP_SLATE_LOCATION,
  PROP_PASSING,
  PROP_MAX_OBSERVED_DELAY,
  PROP_STATS,
  GST_IDENTIFAI_N_PROPS
};

typedef enum
{
  GST_IDENTIFAI_ELEMENT_SINK = 1 << 0,
  GST_IDENTIFAI_ELEMENT_GATE = 1 << 1,
  GST_IDENTIFAI_ELEMENT_SPEECH_SINK = 1 << 2,
  GST_IDENTIFAI_ELEMENT_IMAGE_SINK = 1 << 3,
} GstIdentifaiElements;

/* What becomes of a structure that is set: the one to keep, or NULL. now and
 * wanted are borrowed and may be NULL; warnings takes strings. */
typedef GstStructure *(*GstIdentifaiAdoptFunc) (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings);

/* The same of a string, which is never empty when it is adopted. */
typedef gchar *(*GstIdentifaiAdoptTextFunc) (const gchar * now,
    const gchar * wanted, GPtrArray * warnings);

typedef struct
{
  const gchar *name, *nick, *blurb;
  GstIdentifaiElements elements;        /* that have it */
  GParamFlags flags;            /* GST_PARAM_MUTABLE_PLAYING: may change while
                                 * the element runs */
  GType type;                   /* fundamental; a boxed one is a structure */
  GType (*get_type) (void);     /* of enums and structures */
  gsize offset;                 /* in GstIdentifaiSettings; 0: the element
                                 * computes it */

  const gchar *text;            /* default of a string; of a structure, its name */
  guint64 value;                /* default of the others, as a number */
  gint64 minimum;
  guint64 maximum;
  const gchar *environment;     /* variable that goes before the default */
  GstClockTime shortest;        /* of times: less was meant in another unit */
  gboolean form;                /* TRUE is sent as a form field of its name */
  gboolean idle;                /* does nothing for container input */
  GstIdentifaiAdoptFunc adopt;  /* NULL: a copy of what is set */
  GstIdentifaiAdoptFunc hide;   /* what is read instead of the value; or NULL */
  GstIdentifaiAdoptTextFunc adopt_text, hide_text;
} GstIdentifaiProperty;

/* id: from 1. */
const GstIdentifaiProperty *gst_identifai_property_get (guint id);

void gst_identifai_properties_install (GObjectClass * klass,
    GstIdentifaiElements element);

G_END_DECLS
