/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaireporter.h"

#include "alarm.h"
#include "clock.h"
#include "gstidentifaimessages.h"
#include "log.h"
#include "serialqueue.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_REPORTER)

/* Two calls are a submit and a poll: one that got through after failures does not
 * end the alarm yet. */
#define GOOD_CALLS 2

/* Waits that are longer are told. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

#define GOOD_SEGMENTS 3

struct _GstIdentifaiReporter
{
  gint refcount;                /* atomic */
  GstElement *element;          /* borrowed */
  IdentifaiSerialQueue *messages;       /* of GstMessage */

  GMutex session_lock;          /* within all others */
  gchar *session;               /* session_lock */

  GMutex lock;

  /* All below: lock. */
  IdentifaiKind kind;
  GstIdentifaiOnRefusal on_refusal;
  guint max_uploads;            /* an hour */
  guint credits_warning;        /* fewer are warned of */
  GQueue unannounced;           /* of guint: open segments' numbers, in order */
  GQueue held_back;             /* of HeldBack: behind those, by number */

  IdentifaiAlarm call_alarm;
  IdentifaiAlarm file_alarm;
  IdentifaiAlarm overflow_alarm;
  IdentifaiAlarm held_alarm;
  IdentifaiAlarm budget_alarm;
  IdentifaiAlarm credits_alarm; /* they can't be had */
  IdentifaiAlarm poor_alarm;    /* there are few of them */
  gboolean warned_of_sound;     /* that sound was left out of a file */
  gboolean warned_of_orientation;       /* that one can't say how to turn it */
  gboolean refused;             /* the error for a refusal is queued */

  gchar *call_failure;          /* the latest call's; NULL: it succeeded */
  guint call_status;
  gboolean key_worked;          /* a call succeeded */

  /* For the summary: segments since the last one. */
  guint64 judged;
  IdentifaiLosses losses;       /* failed, or dropped for want of room */
};

typedef struct
{
  guint number;
  GstMessage *message;
} HeldBack;

const gchar *
gst_identifai_drop_to_string (GstIdentifaiDrop drop)
{
  static const gchar *const names[] = {
    [GST_IDENTIFAI_DROP_OVERFLOW] = "overflow",
    [GST_IDENTIFAI_DROP_BUDGET] = "budget",
    [GST_IDENTIFAI_DROP_FLUSHED] = "flushed",
    [GST_IDENTIFAI_DROP_STOPPED] = "stopped",
    [GST_IDENTIFAI_DROP_TOO_SHORT] = "too-short",
    [GST_IDENTIFAI_DROP_LATE] = "late",
  };

  return names[drop];
}

/* Messages. */

static void
log_message (GstElement * element, GstMessage * message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  const gchar *type = GST_MESSAGE_TYPE_NAME (message);
  GError *error = NULL;
  guint number;

  if (structure == NULL) {
    GST_DEBUG_OBJECT (element, "posting %s", type);
  } else if (gst_structure_get (structure, "gerror", G_TYPE_ERROR, &error,
          NULL)) {
    GST_DEBUG_OBJECT (element, "posting %s: %s", type, error->message);
    g_error_free (error);
  } else if (gst_structure_get_uint (structure, "segment", &number)) {
    GST_DEBUG_OBJECT (element, "posting %s of segment %u",
        gst_structure_get_name (structure), number);
  } else {
    GST_DEBUG_OBJECT (element, "posting %s, %s", type,
        gst_structure_get_name (structure));
  }
}

/* A message keeps the element that it is from, until it is posted. A handler may
 * let go of the element for good. */
static void
post_message (gpointer item, gpointer user_data)
{
  GstIdentifaiReporter *self = user_data;
  GstElement *element = gst_object_ref (self->element);

  if (gst_debug_category_get_threshold (GST_CAT_DEFAULT) >= GST_LEVEL_DEBUG)
    log_message (element, item);
  gst_element_post_message (element, item);
  gst_object_unref (element);
}

static void
message_free (gpointer message)
{
  gst_message_unref (message);
}

GstIdentifaiReporter *
gst_identifai_reporter_new (GstElement * element)
{
  GstIdentifaiReporter *self = g_new0 (GstIdentifaiReporter, 1);

  self->refcount = 1;
  self->element = element;
  self->messages = identifai_serial_queue_new (post_message, self,
      message_free);
  g_mutex_init (&self->session_lock);
  self->session = g_uuid_string_random ();
  g_mutex_init (&self->lock);
  g_queue_init (&self->unannounced);
  g_queue_init (&self->held_back);

  return self;
}

GstIdentifaiReporter *
gst_identifai_reporter_ref (GstIdentifaiReporter * self)
{
  g_atomic_int_inc (&self->refcount);

  return self;
}

static void
held_back_free (gpointer data)
{
  HeldBack *held = data;

  gst_message_unref (held->message);
  g_free (held);
}

void
gst_identifai_reporter_unref (GstIdentifaiReporter * self)
{
  if (!g_atomic_int_dec_and_test (&self->refcount))
    return;

  identifai_serial_queue_free (self->messages);
  g_queue_clear (&self->unannounced);
  g_queue_clear_full (&self->held_back, held_back_free);
  g_free (self->losses.text);
  g_free (self->call_failure);
  g_mutex_clear (&self->lock);
  g_free (self->session);
  g_mutex_clear (&self->session_lock);
  g_free (self);
}

gchar *
gst_identifai_reporter_get_session (GstIdentifaiReporter * self)
{
  gchar *session;

  g_mutex_lock (&self->session_lock);
  session = g_strdup (self->session);
  g_mutex_unlock (&self->session_lock);

  return session;
}

static void
renew_session (GstIdentifaiReporter * self)
{
  g_mutex_lock (&self->session_lock);
  g_free (self->session);
  self->session = g_uuid_string_random ();
  GST_INFO_OBJECT (self->element, "session %s", self->session);
  g_mutex_unlock (&self->session_lock);
}

/* What is resumed has that of its own run. */
static void
add_session (GstIdentifaiReporter * self, GstMessage * message)
{
  GstStructure *structure = gst_message_writable_structure (message);
  gchar *session;

  if (gst_structure_has_field (structure, "session"))
    return;
  session = gst_identifai_reporter_get_session (self);
  gst_structure_set (structure, "session", G_TYPE_STRING, session, NULL);
  g_free (session);
}

void
gst_identifai_reporter_queue (GstIdentifaiReporter * self, GstMessage * message)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
    add_session (self, message);
  identifai_serial_queue_push (self->messages, message);
}

void
gst_identifai_reporter_post (GstIdentifaiReporter * self)
{
  identifai_serial_queue_run (self->messages);
}

gboolean
gst_identifai_reporter_has_queued (GstIdentifaiReporter * self)
{
  return !identifai_serial_queue_is_empty (self->messages);
}

void
gst_identifai_reporter_post_elsewhere (GstIdentifaiReporter * self)
{
  identifai_serial_queue_run_elsewhere (self->messages);
}

gboolean
gst_identifai_reporter_post_all (GstIdentifaiReporter * self)
{
  gint64 took = identifai_clock_now ();
  gboolean drained = identifai_serial_queue_drain (self->messages);

  took = identifai_clock_now () - took;
  if (took >= LONG_WAIT)
    GST_DEBUG_OBJECT (self->element,
        "waited %" G_GINT64_FORMAT " ms for handlers of messages%s",
        took / 1000, drained ? "" : ", interrupted");

  return drained;
}

void
gst_identifai_reporter_set_flushing (GstIdentifaiReporter * self,
    gboolean flushing)
{
  identifai_serial_queue_set_interrupted (self->messages, flushing);
}

/* The order of announcements. */

static gint
compare_numbers (gconstpointer a, gconstpointer b, gpointer unused)
{
  guint left = GPOINTER_TO_UINT (a), right = GPOINTER_TO_UINT (b);

  return left < right ? -1 : left > right;
}

/* For g_queue_insert_sorted(): behind those of the same number. */
static gint
compare_held_back (gconstpointer there, gconstpointer added, gpointer unused)
{
  return ((const HeldBack *) there)->number <=
      ((const HeldBack *) added)->number ? -1 : 1;
}

/* Whether there is one in front of it that isn't announced. */
static gboolean
has_to_wait_locked (GstIdentifaiReporter * self, guint number)
{
  return !g_queue_is_empty (&self->unannounced)
      && GPOINTER_TO_UINT (g_queue_peek_head (&self->unannounced)) < number;
}

/* Takes over a message about a segment. */
static void
queue_of_segment_locked (GstIdentifaiReporter * self, guint number,
    GstMessage * message)
{
  HeldBack *held;

  if (!has_to_wait_locked (self, number)) {
    gst_identifai_reporter_queue (self, message);
    return;
  }
  GST_DEBUG_OBJECT (self->element,
      "%s of segment %u is held back until segment %u is announced",
      gst_structure_get_name (gst_message_get_structure (message)), number,
      GPOINTER_TO_UINT (g_queue_peek_head (&self->unannounced)));
  held = g_new (HeldBack, 1);
  held->number = number;
  held->message = message;
  g_queue_insert_sorted (&self->held_back, held, compare_held_back, NULL);
}

static void
release_locked (GstIdentifaiReporter * self)
{
  HeldBack *held;

  while ((held = g_queue_peek_head (&self->held_back)) != NULL
      && !has_to_wait_locked (self, held->number)) {
    g_queue_pop_head (&self->held_back);
    GST_LOG_OBJECT (self->element, "what was held back of segment %u follows",
        held->number);
    gst_identifai_reporter_queue (self, held->message);
    g_free (held);
  }
}

void
gst_identifai_reporter_open (GstIdentifaiReporter * self, guint number)
{
  g_mutex_lock (&self->lock);
  g_queue_insert_sorted (&self->unannounced, GUINT_TO_POINTER (number),
      compare_numbers, NULL);
  g_mutex_unlock (&self->lock);
}

/* FALSE: it was before. */
static gboolean
take_number_locked (GstIdentifaiReporter * self, guint number)
{
  GList *link = g_queue_find (&self->unannounced, GUINT_TO_POINTER (number));

  if (link == NULL)
    return FALSE;
  g_queue_delete_link (&self->unannounced, link);

  return TRUE;
}

void
gst_identifai_reporter_forget (GstIdentifaiReporter * self, guint number)
{
  g_mutex_lock (&self->lock);
  if (take_number_locked (self, number))
    GST_DEBUG_OBJECT (self->element, "segment %u came to nothing", number);
  release_locked (self);
  g_mutex_unlock (&self->lock);
}

static void
announce_locked (GstIdentifaiReporter * self, const IdentifaiSegment * segment)
{
  if (segment->resumed || !take_number_locked (self, segment->number))
    return;
  queue_of_segment_locked (self, segment->number,
      gst_identifai_message_segment (self->element, segment));
  release_locked (self);
}

/* Takes over the message. What is resumed was announced by another run. */
static void
queue_outcome_locked (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, GstMessage * message)
{
  if (segment->resumed)
    gst_identifai_reporter_queue (self, message);
  else
    queue_of_segment_locked (self, segment->number, message);
}

/* Starting and stopping. */

static void
forget_losses_locked (GstIdentifaiReporter * self)
{
  self->judged = 0;
  g_free (self->losses.text);
  self->losses = (IdentifaiLosses) {
  .kind = self->kind,};
}

static void
note_call_locked (GstIdentifaiReporter * self, const gchar * failure,
    guint http_status)
{
  g_free (self->call_failure);
  self->call_failure = g_strdup (failure);
  self->call_status = http_status;
}

void
gst_identifai_reporter_start (GstIdentifaiReporter * self,
    const GstIdentifaiSettings * settings)
{
  renew_session (self);
  g_mutex_lock (&self->lock);
  self->kind = settings->kind;
  self->on_refusal = settings->on_refusal;
  self->max_uploads = settings->max_uploads_per_hour;
  self->credits_warning = settings->credits_warning;
  forget_losses_locked (self);
  note_call_locked (self, NULL, 0);
  self->key_worked = self->refused = FALSE;
  self->warned_of_sound = self->warned_of_orientation = FALSE;
  identifai_alarm_init (&self->call_alarm, GOOD_CALLS);
  identifai_alarm_init (&self->file_alarm, 1);
  identifai_alarm_init (&self->overflow_alarm, GOOD_SEGMENTS);
  identifai_alarm_init (&self->held_alarm, GOOD_SEGMENTS);
  identifai_alarm_init (&self->budget_alarm, 1);
  identifai_alarm_init (&self->credits_alarm, 1);
  identifai_alarm_init (&self->poor_alarm, 1);
  g_mutex_unlock (&self->lock);

  gst_identifai_reporter_set_flushing (self, FALSE);
}

void
gst_identifai_reporter_stop (GstIdentifaiReporter * self)
{
  g_mutex_lock (&self->lock);
  if (!g_queue_is_empty (&self->unannounced))
    GST_ERROR_OBJECT (self->element, "%u segments were neither closed nor "
        "dropped", g_queue_get_length (&self->unannounced));
  g_queue_clear (&self->unannounced);
  release_locked (self);
  g_mutex_unlock (&self->lock);

  identifai_serial_queue_finish (self->messages);
}

/* Alarms. */

/* Takes over the warning that it starts with. */
static void
raise_locked (GstIdentifaiReporter * self, const gchar * what,
    GstMessage * warning)
{
  GST_INFO_OBJECT (self->element, "alarm: %s", what);
  gst_identifai_reporter_queue (self, warning);
}

static void
good_locked (GstIdentifaiReporter * self, IdentifaiAlarm * alarm,
    const gchar * text)
{
  if (!identifai_alarm_good (alarm))
    return;
  GST_INFO_OBJECT (self->element, "alarm over: %s", text);
  gst_identifai_reporter_queue (self, gst_identifai_info (self->element, text));
}

static gboolean
is_refusal (IdentifaiReason reason)
{
  return reason == IDENTIFAI_REASON_UNAUTHORIZED
      || reason == IDENTIFAI_REASON_NO_CREDITS;
}

/* A poll that is refused costs no segment: it is made again. */
static gboolean
is_error_locked (GstIdentifaiReporter * self,
    const GstIdentifaiFailure * failure)
{
  return failure->call == IDENTIFAI_CALL_POST && is_refusal (failure->reason)
      && self->on_refusal == GST_IDENTIFAI_ON_REFUSAL_ERROR;
}

static void
call_failed_locked (GstIdentifaiReporter * self, GstIdentifaiFailure * failure)
{
  note_call_locked (self, failure->text, failure->http_status);
  failure->key_worked = self->key_worked;
  if (identifai_alarm_bad (&self->call_alarm, failure->reason)
      && !is_error_locked (self, failure))
    raise_locked (self, identifai_reason_to_string (failure->reason),
        gst_identifai_warning_call (self->element, failure));
}

void
gst_identifai_reporter_call (GstIdentifaiReporter * self,
    GstIdentifaiFailure * call)
{
  g_mutex_lock (&self->lock);
  if (call->reason != IDENTIFAI_REASON_NONE) {
    call_failed_locked (self, call);
  } else {
    note_call_locked (self, NULL, 0);
    self->key_worked = TRUE;
    good_locked (self, &self->call_alarm,
        "The classification service works again");
  }
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_reporter_accepted (GstIdentifaiReporter * self, gboolean waited)
{
  g_mutex_lock (&self->lock);
  good_locked (self, &self->overflow_alarm, "No more segments are dropped");
  good_locked (self, &self->budget_alarm,
      "Segments are posted again, within max-uploads-per-hour");
  if (!waited)
    good_locked (self, &self->held_alarm, "The stream is not held any more");
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_reporter_held (GstIdentifaiReporter * self)
{
  g_mutex_lock (&self->lock);
  if (identifai_alarm_bad (&self->held_alarm, 0))
    raise_locked (self, "the stream is held for want of room",
        gst_identifai_warning_held (self->element));
  g_mutex_unlock (&self->lock);
}

static void
count_credits_locked (GstIdentifaiReporter * self,
    const IdentifaiCredits * credits)
{
  gst_identifai_reporter_queue (self,
      gst_identifai_message_credits (self->element, credits->available,
          credits->spent));
  good_locked (self, &self->credits_alarm, "Credits can be asked for again");
  if (credits->available >= self->credits_warning)
    good_locked (self, &self->poor_alarm,
        "There are as many credits as credits-warning wants again");
  else if (identifai_alarm_bad (&self->poor_alarm, 0))
    raise_locked (self, "few credits",
        gst_identifai_warning_credits (self->element, credits->available,
            self->credits_warning));
}

void
gst_identifai_reporter_credits (GstIdentifaiReporter * self,
    const IdentifaiCredits * credits)
{
  GST_INFO_OBJECT (self->element, "%" G_GUINT64_FORMAT " credits, %"
      G_GUINT64_FORMAT " spent%s%s", credits->available, credits->spent,
      credits->message ? "; not known: " : "",
      credits->message ? credits->message : "");
  g_mutex_lock (&self->lock);
  if (credits->reason == IDENTIFAI_REASON_NONE)
    count_credits_locked (self, credits);
  else if (identifai_alarm_bad (&self->credits_alarm, credits->reason))
    raise_locked (self, "credits can't be asked for",
        gst_identifai_warning_no_credits (self->element, credits));
  g_mutex_unlock (&self->lock);
}

/* Segments. */

static void
warn_of_sound_locked (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment)
{
  if (segment->audio_trouble == NULL)
    return;
  GST_DEBUG_OBJECT (self->element, "segment %u goes without some sound: %s",
      segment->number, segment->audio_trouble);
  if (self->warned_of_sound)
    return;
  self->warned_of_sound = TRUE;
  gst_identifai_reporter_queue (self,
      gst_identifai_warning_sound (self->element, NULL,
          segment->audio_trouble));
}

static void
warn_of_orientation_locked (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment)
{
  if (segment->lost_orientation == NULL || self->warned_of_orientation)
    return;
  self->warned_of_orientation = TRUE;
  gst_identifai_reporter_queue (self,
      gst_identifai_warning_orientation (self->element,
          segment->lost_orientation));
}

void
gst_identifai_reporter_closed (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment)
{
  g_mutex_lock (&self->lock);
  warn_of_sound_locked (self, segment);
  warn_of_orientation_locked (self, segment);
  good_locked (self, &self->file_alarm,
      "Files can be made of the segments again");
  announce_locked (self, segment);
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_reporter_submitted (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, GstClockTime upload_time)
{
  GST_DEBUG_OBJECT (self->element, "segment %u is submitted as %s, after %"
      G_GUINT64_FORMAT " ms", segment->number, segment->identifier,
      upload_time / GST_MSECOND);

  g_mutex_lock (&self->lock);
  queue_of_segment_locked (self, segment->number,
      gst_identifai_message_submitted (self->element, segment, upload_time));
  g_mutex_unlock (&self->lock);
}

/* Queues the message of a segment's outcome. */
static GstStructure *
end_segment_locked (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, GstMessage * message)
{
  GstStructure *structure;

  announce_locked (self, segment);
  add_session (self, message);
  structure = gst_structure_copy (gst_message_get_structure (message));
  queue_outcome_locked (self, segment, message);

  return structure;
}

GstStructure *
gst_identifai_reporter_verdict (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, const IdentifaiResult * result,
    GstClockTime latency)
{
  GstStructure *structure;

  GST_INFO_OBJECT (self->element, "segment %u is judged %s, confidence %.3f, "
      "score %.3f, %" G_GUINT64_FORMAT " ms after its last buffer (%s)",
      segment->number, result->classification, result->confidence,
      result->score, latency / GST_MSECOND, GST_STR_NULL (segment->identifier));

  g_mutex_lock (&self->lock);
  self->judged += !segment->resumed;
  structure = end_segment_locked (self, segment,
      gst_identifai_message_verdict (self->element, segment, result, latency));
  if (!segment->resumed)
    queue_of_segment_locked (self, segment->number,
        gst_identifai_message_tags (self->element, segment->identifier,
            result));
  g_mutex_unlock (&self->lock);

  return structure;
}

/* ms */
static gint64
get_age (const IdentifaiSegment * segment)
{
  return (identifai_clock_now () - segment->last_buffer) / 1000;
}

static void
lost_locked (GstIdentifaiReporter * self, guint reason, guint http_status,
    const gchar * text)
{
  IdentifaiLosses *losses = &self->losses;

  losses->total++;
  losses->by_reason[reason]++;
  losses->reason = reason;
  losses->http_status = http_status;
  g_free (losses->text);
  losses->text = g_strdup (text);
  losses->key_worked = self->key_worked;
}

/* The service wants no more of us. */
static void
refuse_locked (GstIdentifaiReporter * self, IdentifaiReason reason,
    guint http_status, const gchar * text)
{
  GstIdentifaiFailure failure = { IDENTIFAI_CALL_POST, reason, http_status,
    text, self->key_worked, -1
  };

  if (!is_error_locked (self, &failure) || self->refused)
    return;
  self->refused = TRUE;
  GST_INFO_OBJECT (self->element, "refused, and on-refusal is error");
  gst_identifai_reporter_queue (self,
      gst_identifai_error_refused (self->element, &failure));
}

static gboolean
is_about_file (IdentifaiReason reason)
{
  return reason == IDENTIFAI_REASON_TOO_LARGE || reason == IDENTIFAI_REASON_MUX;
}

GstStructure *
gst_identifai_reporter_failed (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, IdentifaiReason reason,
    guint http_status, const gchar * text)
{
  const gchar *name = identifai_reason_to_string (reason);
  GstStructure *structure;

  GST_WARNING_OBJECT (self->element, "segment %u failed %" G_GINT64_FORMAT
      " ms after its last buffer: %s, HTTP status %u (0 = none), %s (%s)%s",
      segment->number, get_age (segment), name, http_status,
      GST_STR_NULL (text),
      segment->identifier ? segment->identifier : "not submitted",
      is_about_file (reason) ? "; no other file is made of it" : "");

  g_mutex_lock (&self->lock);
  if (is_about_file (reason) && identifai_alarm_bad (&self->file_alarm, reason))
    raise_locked (self, name,
        gst_identifai_warning_file (self->element, reason, text));
  structure = end_segment_locked (self, segment,
      gst_identifai_message_failed (self->element, segment, reason,
          http_status, text));
  if (!segment->resumed) {
    lost_locked (self, reason, http_status, text);
    refuse_locked (self, reason, http_status, text);
  }
  g_mutex_unlock (&self->lock);

  return structure;
}

static void
overflowed_locked (GstIdentifaiReporter * self)
{
  lost_locked (self, GST_IDENTIFAI_LOSS_OVERFLOW, 0, NULL);
  if (identifai_alarm_bad (&self->overflow_alarm, 0))
    raise_locked (self, "overflow",
        gst_identifai_warning_overflow (self->element));
}

static void
over_budget_locked (GstIdentifaiReporter * self)
{
  lost_locked (self, GST_IDENTIFAI_LOSS_BUDGET, 0, NULL);
  if (identifai_alarm_bad (&self->budget_alarm, 0))
    raise_locked (self, "budget",
        gst_identifai_warning_budget (self->element, self->max_uploads));
}

GstStructure *
gst_identifai_reporter_dropped (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, GstIdentifaiDrop drop)
{
  const gchar *reason = gst_identifai_drop_to_string (drop);
  GstStructure *structure;

  GST_INFO_OBJECT (self->element, "segment %u is dropped %" G_GINT64_FORMAT
      " ms after its last buffer: %s (%s)", segment->number, get_age (segment),
      reason, segment->identifier ? segment->identifier : "not submitted");

  g_mutex_lock (&self->lock);
  if (drop == GST_IDENTIFAI_DROP_OVERFLOW)
    overflowed_locked (self);
  else if (drop == GST_IDENTIFAI_DROP_BUDGET)
    over_budget_locked (self);
  else if (drop == GST_IDENTIFAI_DROP_LATE)
    lost_locked (self, GST_IDENTIFAI_LOSS_LATE, self->call_status,
        self->call_failure);
  structure = end_segment_locked (self, segment,
      gst_identifai_message_dropped (self->element, segment, reason));
  g_mutex_unlock (&self->lock);

  return structure;
}

void
gst_identifai_reporter_policy (GstIdentifaiReporter * self,
    const IdentifaiPolicyChange * change, gboolean enforced)
{
  GST_INFO_OBJECT (self->element, "policy: %s after segment %u, was %s%s",
      identifai_policy_state_to_string (change->state), change->cause.segment,
      identifai_policy_state_to_string (change->previous),
      enforced ? "" : " (not enforced)");

  g_mutex_lock (&self->lock);
  queue_of_segment_locked (self, change->cause.segment,
      gst_identifai_message_policy (self->element, change, enforced));
  g_mutex_unlock (&self->lock);
}

/* The end of the stream. */

gchar *
gst_identifai_reporter_explain_timeout (GstIdentifaiReporter * self,
    guint * http_status)
{
  gchar *text;

  g_mutex_lock (&self->lock);
  *http_status = self->call_status;
  text = g_strdup_printf ("no verdict within drain-timeout after end of stream"
      "%s%s", self->call_failure ? ". The latest call: " : "",
      self->call_failure ? self->call_failure : "");
  g_mutex_unlock (&self->lock);

  return text;
}

void
gst_identifai_reporter_sum_up (GstIdentifaiReporter * self, guint64 pending,
    gboolean at_end)
{
  guint64 segments, lost;

  g_mutex_lock (&self->lock);
  lost = self->losses.total;
  segments = self->judged + lost + pending;
  GST_INFO_OBJECT (self->element, "of %" G_GUINT64_FORMAT " segments, %"
      G_GUINT64_FORMAT " were judged, %" G_GUINT64_FORMAT " lost, %"
      G_GUINT64_FORMAT " have no outcome yet", segments, self->judged, lost,
      pending);
  if (lost > 0 && !self->refused)
    gst_identifai_reporter_queue (self, gst_identifai_summary (self->element,
            &self->losses, segments,
            !at_end || self->on_refusal == GST_IDENTIFAI_ON_REFUSAL_ERROR));
  forget_losses_locked (self);
  g_mutex_unlock (&self->lock);
}
