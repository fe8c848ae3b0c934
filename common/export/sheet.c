#include "common/export/sheet.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool
sheet_open(struct sheet *s, const char *path)
{
	struct stat st;
	void *at = MAP_FAILED;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good;

	*s = (struct sheet){ NULL, 0 };
	if (fd < 0)
		return false;
	good = fstat(fd, &st) == 0;
	if (good && st.st_size > 0) {
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
		    0);
		good = at != MAP_FAILED;
	}
	if (good && at != MAP_FAILED)
		*s = (struct sheet){ at, (size_t)st.st_size };
	close(fd);
	return good;
}

void
sheet_close(struct sheet *s)
{
	if (s->bytes != NULL)
		munmap((void *)(uintptr_t)s->bytes, s->len);
	*s = (struct sheet){ NULL, 0 };
}

struct sheet_place
sheet_all(const struct sheet *s)
{
	return (struct sheet_place){ 0, s->len };
}

bool
sheet_next(const struct sheet *s, struct sheet_place *p,
    struct sheet_line *line)
{
	const char *from, *end;

	if (p->at >= p->end)
		return false;
	from = s->bytes + p->at;
	end = memchr(from, '\n', p->end - p->at);
	line->at = p->at;
	line->whole = end != NULL;
	line->text = slice_make(from,
	    end != NULL ? (size_t)(end - from) : p->end - p->at);
	p->at += line->text.len + line->whole;
	return true;
}

size_t
sheet_line_from(const struct sheet *s, size_t at)
{
	const char *end;

	if (at == 0 || at >= s->len)
		return min_size(at, s->len);
	end = memchr(s->bytes + at - 1, '\n', s->len - at + 1);
	return end != NULL ? (size_t)(end - s->bytes) + 1 : s->len;
}
