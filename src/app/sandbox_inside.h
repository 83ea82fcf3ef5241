/* What the files of the sandbox share; nobody else includes it. */
#ifndef APP_SANDBOX_INSIDE_H
#define APP_SANDBOX_INSIDE_H

/* Under a sanitizer the process looks into itself, by ptrace and with helpers of its own: such a build is let do that. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

#endif
