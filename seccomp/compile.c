/* Compiles a policy into a seccomp program: compile POLICY ARCHITECTURE PROGRAM.bpf [NAMES.json]
 *
 * POLICY is a file of this directory, whose format common.policy describes. ARCHITECTURE is x86_64 or aarch64. Run when
 * the package is built; libseccomp does the work, and is not needed where the package is used. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/limits.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_ACTION SCMP_ACT_ERRNO(ENOSYS)

static scmp_filter_ctx filter;
static uint32_t architecture;

static void stop(const char *file, int line, const char *what, const char *word) {
  fprintf(stderr, "%s:%d: %s%s%s\n", file, line, what, word ? ": " : "", word ? word : "");
  exit(1);
}

static int error_number(const char *name) {
  static const struct {
    const char *name;
    int number;
  } known[] = {{"EPERM", EPERM},   {"ENOSYS", ENOSYS},
               {"ENOTTY", ENOTTY}, {"EINVAL", EINVAL},
               {"EBADE", EBADE},   {"EOPNOTSUPP", EOPNOTSUPP},
               {"EAGAIN", EAGAIN}, {"ENOLCK", ENOLCK},
               {"ENOMEM", ENOMEM}, {"EAFNOSUPPORT", EAFNOSUPPORT}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, name) == 0) return known[i].number;
  }
  return -1;
}

static uint64_t read_number(const char *file, int line, const char *word) {
  char *end;
  const uint64_t number = strtoull(word, &end, 0);
  if (end == word || *end) stop(file, line, "bad number", word);
  return number;
}

enum { MOST_CONDITIONS = 4 };

/* if argN == VALUE, or if argN & MASK == VALUE: of the low 32 bits, since the kernel ignores the rest of the arguments
 * that we look at by number. if argN == NULL: of all bits, since the rest of a pointer counts. */
static struct scmp_arg_cmp read_condition(const char *file, int line, char **rest) {
  const char *words[5] = {0};
  int count = 0;
  char *word;
  while ((word = strsep(rest, " \t")) && strcmp(word, "and") != 0) {
    if (!*word) continue;
    if (count == 5) stop(file, line, "bad condition", word);
    words[count++] = word;
  }
  if (count < 3 || strncmp(words[0], "arg", 3) != 0) stop(file, line, "bad condition", NULL);
  const unsigned argument = (unsigned)read_number(file, line, words[0] + 3);
  if (count == 3 && strcmp(words[1], "==") == 0) {
    if (strcmp(words[2], "NULL") == 0) return (struct scmp_arg_cmp){argument, SCMP_CMP_EQ, 0, 0};
    return (struct scmp_arg_cmp){argument, SCMP_CMP_MASKED_EQ, UINT64_C(0xffffffff), read_number(file, line, words[2])};
  }
  if (count == 5 && strcmp(words[1], "&") == 0 && strcmp(words[3], "==") == 0) {
    return (struct scmp_arg_cmp){argument, SCMP_CMP_MASKED_EQ, read_number(file, line, words[2]),
                                 read_number(file, line, words[4])};
  }
  stop(file, line, "bad condition", NULL);
  exit(1);
}

static void add_rule(const char *file, int line, uint32_t action, const char *name, char **rest) {
  if (seccomp_syscall_resolve_name_arch(architecture, name) < 0) {
    /* Of another architecture, or newer than this libseccomp; then it is answered with ENOSYS. One that is only
     * misspelt would be too, so say it. */
    if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR) {
      fprintf(stderr, "%s:%d: note: libseccomp does not know %s\n", file, line, name);
    }
    return;
  }
  /* Rules take the native number, and are translated. */
  const int number = seccomp_syscall_resolve_name(name);
  if (action == DEFAULT_ACTION) return; /* said for the reader */
  int status;
  if (rest) {
    struct scmp_arg_cmp conditions[MOST_CONDITIONS];
    unsigned count = 0;
    do {
      if (count == MOST_CONDITIONS) stop(file, line, "too many conditions", NULL);
      conditions[count++] = read_condition(file, line, rest);
    } while (*rest);
    status = seccomp_rule_add_array(filter, action, number, count, conditions);
  } else {
    status = seccomp_rule_add_array(filter, action, number, 0, NULL);
  }
  if (status != 0) stop(file, line, strerror(-status), name);
}

static void read_policy(const char *file) {
  FILE *stream = fopen(file, "r");
  if (!stream) stop(file, 0, strerror(errno), NULL);
  char text[4096];
  for (int line = 1; fgets(text, sizeof text, stream); line++) {
    text[strcspn(text, "#\n")] = 0;
    char *rest = text;
    while (*rest == ' ' || *rest == '\t') rest++;
    if (!*rest || *rest == '[') continue;
    const char *verb = strsep(&rest, " \t");
    uint32_t action = 0;
    if (strcmp(verb, "include") == 0) {
      char path[PATH_MAX], directory[PATH_MAX];
      snprintf(directory, sizeof directory, "%s", file);
      rest[strcspn(rest, " \t")] = 0;
      snprintf(path, sizeof path, "%s/%s", dirname(directory), rest);
      read_policy(path);
      continue;
    } else if (strcmp(verb, "allow") == 0) {
      action = SCMP_ACT_ALLOW;
    } else if (strcmp(verb, "forbid") == 0) {
      action = SCMP_ACT_NOTIFY;
    } else if (strcmp(verb, "errno") == 0) {
      const char *name = strsep(&rest, " \t");
      const int number = name ? error_number(name) : -1;
      if (number < 0) stop(file, line, "unknown error", name);
      action = SCMP_ACT_ERRNO((uint32_t)number);
    } else {
      stop(file, line, "unknown verb", verb);
    }
    char *word;
    char previous[32] = "";
    while (rest && (word = strsep(&rest, " \t"))) {
      if (!*word) continue;
      if (strcmp(word, "if") == 0) {
        add_rule(file, line, action, previous, &rest);
        *previous = 0;
        break;
      }
      if (*previous) add_rule(file, line, action, previous, NULL);
      snprintf(previous, sizeof previous, "%s", word);
    }
    if (*previous) add_rule(file, line, action, previous, NULL);
  }
  fclose(stream);
}

static void write_names(const char *path) {
  FILE *stream = fopen(path, "w");
  if (!stream) stop(path, 0, strerror(errno), NULL);
  const char *separator = "{\n";
  for (int number = 0; number < 1024; number++) {
    char *name = seccomp_syscall_resolve_num_arch(architecture, number);
    if (!name) continue;
    fprintf(stream, "%s  \"%d\": \"%s\"", separator, number, name);
    separator = ",\n";
    free(name);
  }
  fprintf(stream, "\n}\n");
  if (fclose(stream) != 0) stop(path, 0, strerror(errno), NULL);
}

int main(int argc, char **argv) {
  if (argc < 4) stop("usage", 0, "compile POLICY ARCHITECTURE PROGRAM.bpf [NAMES.json]", NULL);
  architecture = seccomp_arch_resolve_name(argv[2]);
  filter = seccomp_init(DEFAULT_ACTION);
  if (!filter || !architecture) stop(argv[2], 0, "unknown architecture", NULL);
  if (architecture != seccomp_arch_native()) {
    if (seccomp_arch_add(filter, architecture) != 0 || seccomp_arch_remove(filter, SCMP_ARCH_NATIVE) != 0) {
      stop(argv[2], 0, "can't be compiled for", NULL);
    }
  }
  /* Calls of another architecture's table, x32 among them, have other numbers. */
  seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  /* A tree instead of a list: fewer comparisons for each call. */
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  read_policy(argv[1]);
  const int fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int status = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);
  if (status != 0) stop(argv[3], 0, strerror(-status), NULL);
  close(fd);
  if (argc > 4) write_names(argv[4]);
  seccomp_release(filter);
  return 0;
}
