/* identifai-moderate: outcomes in the order of their segments
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "order.h"

struct _ModOrder
{
  ModOrderRelease release;
  gpointer user_data;
  guint next;                   /* the number that is due */
  GTree *held;                  /* number -> item */
};

static gint
compare (gconstpointer a, gconstpointer b)
{
  guint x = GPOINTER_TO_UINT (a), y = GPOINTER_TO_UINT (b);

  return (x > y) - (x < y);
}

ModOrder *
mod_order_new (ModOrderRelease release, gpointer user_data)
{
  ModOrder *self = g_new0 (ModOrder, 1);

  self->release = release;
  self->user_data = user_data;
  self->held = g_tree_new (compare);
  return self;
}

void
mod_order_free (ModOrder * self)
{
  mod_order_flush (self);
  g_tree_unref (self->held);
  g_free (self);
}

static void
release_due (ModOrder * self)
{
  gpointer item;

  while ((item = g_tree_lookup (self->held, GUINT_TO_POINTER (self->next)))) {
    g_tree_steal (self->held, GUINT_TO_POINTER (self->next++));
    self->release (item, self->user_data);
  }
}

void
mod_order_push (ModOrder * self, guint number, gpointer item)
{
  if (number < self->next
      || g_tree_lookup (self->held, GUINT_TO_POINTER (number))) {
    self->release (item, self->user_data);
    return;
  }
  g_tree_insert (self->held, GUINT_TO_POINTER (number), item);
  release_due (self);
}

void
mod_order_flush (ModOrder * self)
{
  GTreeNode *first;

  while ((first = g_tree_node_first (self->held)) != NULL) {
    gpointer number = g_tree_node_key (first);
    gpointer item = g_tree_node_value (first);

    g_tree_steal (self->held, number);
    self->next = GPOINTER_TO_UINT (number) + 1;
    self->release (item, self->user_data);
  }
}
