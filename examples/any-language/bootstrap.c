/*
 * A function in C without any library: the whole of a Lambda runtime is one HTTP connection to
 * AWS_LAMBDA_RUNTIME_API and a loop. Ask for an event, work, post the answer or the error, ask again.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 *
 *   cc -O2 -o bootstrap bootstrap.c && zip function.zip bootstrap
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* The largest event is 6 MB, and so is the largest answer. */
enum { BODY_BYTES_MAX = 6 * 1024 * 1024 + 1024, LINE_BYTES_MAX = 16 * 1024 };

struct event {
  char request_id[64];
  long long deadline_ms;
  size_t length;
  char *body;
};

struct answer {
  /* An error type makes it a failure; `text` is JSON either way. */
  const char *error_type;
  char text[512];
};

static FILE *from_api, *to_api;

static void give_up(const char *why) {
  fprintf(stderr, "bootstrap: %s\n", why);
  exit(1);
}

/* ---- your function: the rest of the file does not change ---- */

static void handle(const struct event *event, struct answer *answer) {
  if (strcmp(event->body, "null") == 0) {
    answer->error_type = "Example.Empty";
    snprintf(answer->text, sizeof answer->text,
             "{\"errorType\":\"Example.Empty\",\"errorMessage\":\"there is nothing to count\"}");
    return;
  }
  size_t words = 0;
  int in_word = 0;
  for (size_t at = 0; at < event->length; at++) {
    int is_letter = strchr(" \t\n\"{}[],:", event->body[at]) == NULL;
    words += is_letter && !in_word;
    in_word = is_letter;
  }
  printf("counted %zu bytes for %s\n", event->length, event->request_id);
  snprintf(answer->text, sizeof answer->text, "{\"bytes\":%zu,\"words\":%zu,\"function\":\"%s\"}",
           event->length, words, getenv("AWS_LAMBDA_FUNCTION_NAME"));
}

/* ---- HTTP/1.1 over one connection, as much of it as the Runtime API speaks ---- */

static void dial(const char *api) {
  char host[256];
  const char *colon = strrchr(api, ':');
  if (colon == NULL || (size_t)(colon - api) >= sizeof host) give_up("no host:port to call");
  memcpy(host, api, colon - api);
  host[colon - api] = '\0';
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(host, colon + 1, &hints, &found) != 0) give_up("the Runtime API has no address");
  int connection = socket(found->ai_family, found->ai_socktype, 0);
  if (connect(connection, found->ai_addr, found->ai_addrlen) != 0) give_up("the Runtime API is gone");
  freeaddrinfo(found);
  from_api = fdopen(connection, "r");
  to_api = fdopen(dup(connection), "w");
}

static void read_line(char line[LINE_BYTES_MAX]) {
  if (fgets(line, LINE_BYTES_MAX, from_api) == NULL) give_up("the Runtime API hung up");
  line[strcspn(line, "\r\n")] = '\0';
}

static void read_bytes(struct event *event, size_t count) {
  if (event->length + count > BODY_BYTES_MAX) give_up("a body is longer than any event");
  if (fread(event->body + event->length, 1, count, from_api) != count) give_up("a body is cut short");
  event->length += count;
}

/* Reads a whole response into `event`; answers with its status. */
static int read_response(struct event *event) {
  char line[LINE_BYTES_MAX];
  int status = 0, is_chunked = 0;
  size_t length = 0;
  event->length = 0;
  read_line(line);
  if (sscanf(line, "HTTP/1.%*d %d", &status) != 1) give_up("that was no HTTP");
  for (read_line(line); line[0] != '\0'; read_line(line)) {
    char *value = strchr(line, ':');
    if (value == NULL) continue;
    *value++ = '\0';
    value += strspn(value, " ");
    if (strcasecmp(line, "Content-Length") == 0) length = strtoul(value, NULL, 10);
    if (strcasecmp(line, "Transfer-Encoding") == 0) is_chunked = strcasecmp(value, "chunked") == 0;
    if (strcasecmp(line, "Lambda-Runtime-Deadline-Ms") == 0) event->deadline_ms = atoll(value);
    if (strcasecmp(line, "Lambda-Runtime-Aws-Request-Id") == 0)
      snprintf(event->request_id, sizeof event->request_id, "%s", value);
    /* Libraries that trace look for it here. */
    if (strcasecmp(line, "Lambda-Runtime-Trace-Id") == 0) setenv("_X_AMZN_TRACE_ID", value, 1);
  }
  if (!is_chunked) read_bytes(event, length);
  while (is_chunked) {
    read_line(line);
    size_t count = strtoul(line, NULL, 16);
    read_bytes(event, count);
    read_line(line);
    if (count == 0) break;
  }
  event->body[event->length] = '\0';
  return status;
}

static void post(const char *request_id, const struct answer *answer) {
  fprintf(to_api,
          "POST /2018-06-01/runtime/invocation/%s/%s HTTP/1.1\r\n"
          "Host: runtime\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n",
          request_id, answer->error_type ? "error" : "response", strlen(answer->text));
  if (answer->error_type)
    fprintf(to_api, "Lambda-Runtime-Function-Error-Type: %s\r\n", answer->error_type);
  fprintf(to_api, "\r\n%s", answer->text);
  fflush(to_api);
}

int main(void) {
  /* Lines appear in the log as they are printed. */
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
  if (api == NULL) give_up("AWS_LAMBDA_RUNTIME_API is not set: this runs inside of Lambda or Skerry");
  struct event event = {.body = malloc(BODY_BYTES_MAX + 1)};
  struct event taken = {.body = malloc(BODY_BYTES_MAX + 1)};
  if (event.body == NULL || taken.body == NULL) give_up("there is no memory");
  dial(api);
  for (;;) {
    fprintf(to_api, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n");
    fflush(to_api);
    if (read_response(&event) != 200) give_up("there is no next event");
    struct answer answer = {.error_type = NULL};
    handle(&event, &answer);
    post(event.request_id, &answer);
    if (read_response(&taken) / 100 != 2) fprintf(stderr, "bootstrap: an answer was refused\n");
  }
}
