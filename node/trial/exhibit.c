#include "node/trial/exhibit.h"

#include "common/base/buf.h"

#define TONE_TIMES 41 /* a quarter of a second, with the head's */

/* 64 by 64 pixels of one colour. */
const char exhibit_picture[] =
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAS0lEQVR42u3PQQkA"
    "AAgAsetfWiP4FgYrsKZeS0BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA"
    "QEBAQEBAQEBAQEBAQEDgsqnc8OJg6Ln3AAAAAElFTkSuQmCC";

/* One page that says "A heron". */
const char exhibit_page[] =
    "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+CmVu"
    "ZG9iagoyIDAgb2JqPDwvVHlwZS9QYWdlcy9LaWRzWzMgMCBSXS9Db3VudCAxPj4K"
    "ZW5kb2JqCjMgMCBvYmo8PC9UeXBlL1BhZ2UvUGFyZW50IDIgMCBSL01lZGlhQm94"
    "WzAgMCAyMDAgNjBdL0NvbnRlbnRzIDQgMCBSL1Jlc291cmNlczw8L0ZvbnQ8PC9G"
    "IDUgMCBSPj4+Pj4+CmVuZG9iago0IDAgb2JqPDwvTGVuZ3RoIDM2Pj5zdHJlYW0K"
    "QlQgL0YgMjQgVGYgMjAgMjAgVGQgKEEgaGVyb24pIFRqIEVUCmVuZHN0cmVhbQpl"
    "bmRvYmoKNSAwIG9iajw8L1R5cGUvRm9udC9TdWJ0eXBlL1R5cGUxL0Jhc2VGb250"
    "L0hlbHZldGljYT4+CmVuZG9iagp4cmVmCjAgNgowMDAwMDAwMDAwIDY1NTM1IGYg"
    "CjAwMDAwMDAwMDkgMDAwMDAgbiAKMDAwMDAwMDA1MyAwMDAwMCBuIAowMDAwMDAw"
    "MTAzIDAwMDAwIG4gCjAwMDAwMDAyMTIgMDAwMDAgbiAKMDAwMDAwMDI5NCAwMDAw"
    "MCBuIAp0cmFpbGVyPDwvU2l6ZSA2L1Jvb3QgMSAwIFI+PgpzdGFydHhyZWYKMzU2"
    "CiUlRU9GCg==";

/* 8 kHz, 8 bits, one channel: the head and the first samples. */
static const char tone_head[] =
    "UklGRtgHAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YbQHAABgYGBg";

/* Three waves of 500 Hz. */
static const char tone_waves[] =
    "YGBgYKCgoKCgoKCgYGBgYGBgYGCgoKCgoKCgoGBgYGBgYGBgoKCgoKCgoKBgYGBg";

void
exhibit_put_tone(struct buf *out)
{
	size_t i;

	buf_puts(out, tone_head);
	for (i = 0; i < TONE_TIMES; i++)
		buf_puts(out, tone_waves);
}
