/* A sample plugin: one column divided by another. Which columns, and what the
 * result is called, stands in its config, so one module serves many features. */
#include "featurehost.h"

static char into[256];

int plugin_open(const fh_config *config, const fh_batch *in, fh_output *out) {
  (void)in;
  if (!fh_config_string(config, "into", into, sizeof into))
    return fh_fail(FH_ERR_CONFIG, "into: expected a name of at most 255 bytes");
  return fh_declare(out, into, FH_FLOAT64, FH_NULLABLE);
}

int plugin_process(const fh_batch *in, fh_output *out) {
  const fh_column *over = &in->columns[0], *under = &in->columns[1];
  const double *a = fh_doubles(over), *b = fh_doubles(under);
  fh_result *r = &out->columns[0];
  double *q = fh_doubles_of(r);
  for (int64_t i = 0; i < in->rows; i++) {
    if (fh_is_null(over, i) || fh_is_null(under, i) || b[i] == 0)
      fh_set_null(r, i);
    else
      q[i] = a[i] / b[i];
  }
  return FH_OK;
}
