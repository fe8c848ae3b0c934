#pragma once
/*
 * environment: the variables through which somebody else could divert or
 * record what this process sends.  They are removed before any library looks:
 * call it once, before any thread.
 */

/* Unsets proxies, SSLKEYLOGFILE, NETRC, host aliases and CURL_*. */
void environment_clear(void);
