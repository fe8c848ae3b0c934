#pragma once
/* The one place that says which version this is, for all three binaries. */

#define GSR_VERSION "0.1.0"
