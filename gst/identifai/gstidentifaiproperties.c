/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaipropertyrows.h"

const GstIdentifaiProperty *
gst_identifai_property_get (guint id)
{
  if (gst_identifai_gate_properties[id].name != NULL)
    return &gst_identifai_gate_properties[id];
  if (gst_identifai_segment_properties[id].name != NULL)
    return &gst_identifai_segment_properties[id];

  return &gst_identifai_service_properties[id];
}

/* Of what isn't computed by a number's or a string's rule. Numbers in an array are of any
 * type, as they come from a text, or Python. */
static GParamSpec *
make_other_spec (const GstIdentifaiProperty * row, GParamFlags flags)
{
  const gchar *name = row->name, *nick = row->nick, *blurb = row->blurb;
  GType type = row->get_type ();

  if (type == GST_TYPE_ARRAY)
    return gst_param_spec_array (name, nick, blurb, row->maximum > 0 ?
        NULL : g_param_spec_boxed ("entry", "Entry", "One of them",
            GST_TYPE_STRUCTURE, flags), flags);

  return g_param_spec_boxed (name, nick, blurb, type, flags);
}

static GParamSpec *
make_spec (const GstIdentifaiProperty * row)
{
  const gchar *name = row->name, *nick = row->nick, *blurb = row->blurb;
  GParamFlags flags = row->flags | G_PARAM_STATIC_STRINGS |
      G_PARAM_EXPLICIT_NOTIFY;

  switch (row->type) {
    case G_TYPE_STRING:
      return g_param_spec_string (name, nick, blurb, row->text, flags);
    case G_TYPE_BOOLEAN:
      return g_param_spec_boolean (name, nick, blurb, row->value, flags);
    case G_TYPE_INT:
      return g_param_spec_int (name, nick, blurb, row->minimum, row->maximum,
          row->value, flags);
    case G_TYPE_UINT:
      return g_param_spec_uint (name, nick, blurb, row->minimum, row->maximum,
          row->value, flags);
    case G_TYPE_UINT64:
      return g_param_spec_uint64 (name, nick, blurb, row->minimum,
          row->maximum, row->value, flags);
    case G_TYPE_ENUM:
      return g_param_spec_enum (name, nick, blurb, row->get_type (),
          row->value, flags);
    default:
      return make_other_spec (row, flags);
  }
}

void
gst_identifai_properties_install (GObjectClass * klass,
    GstIdentifaiElements element)
{
  guint id;

  for (id = 1; id < GST_IDENTIFAI_N_PROPS; id++) {
    const GstIdentifaiProperty *row = gst_identifai_property_get (id);

    if (row->elements & element)
      g_object_class_install_property (klass, id, make_spec (row));
  }
}
