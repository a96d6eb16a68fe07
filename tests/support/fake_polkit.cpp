// A program in place of polkitd: org.freedesktop.PolicyKit1 on a bus, with one answer for
// everybody.
//
//     fake_polkit ADDRESS yes|no|never
//
// "never" takes questions and does not answer them. Says "ready" once it owns the name, then a line
// for each question: ACTION FLAGS, and "cancelled" for each that is given up.
#include <systemd/sd-bus.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

std::string_view answer;

int check_authorization(sd_bus_message* call, void*, sd_bus_error*) {
  const char* action = nullptr;
  unsigned flags = 0;
  int r = sd_bus_message_skip(call, "(sa{sv})");
  if (r >= 0) r = sd_bus_message_read(call, "s", &action);
  if (r >= 0) r = sd_bus_message_skip(call, "a{ss}");
  if (r >= 0) r = sd_bus_message_read(call, "u", &flags);
  if (r < 0) return r;
  std::printf("%s %u\n", action, flags);
  std::fflush(stdout);
  if (answer == "never") return 1;
  return sd_bus_reply_method_return(call, "(bba{ss})", answer == "yes" ? 1 : 0, 0, 0);
}

int cancel(sd_bus_message* call, void*, sd_bus_error*) {
  std::puts("cancelled");
  std::fflush(stdout);
  return sd_bus_reply_method_return(call, "");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
const sd_bus_vtable kAuthority[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", check_authorization,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("CancelCheckAuthorization", "s", "", cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};
#pragma GCC diagnostic pop

int serve(const char* address) {
  sd_bus* bus = nullptr;
  int r = sd_bus_new(&bus);
  if (r >= 0) r = sd_bus_set_address(bus, address);
  if (r >= 0) r = sd_bus_set_bus_client(bus, 1);
  if (r >= 0) r = sd_bus_start(bus);
  if (r >= 0)
    r = sd_bus_add_object_vtable(bus, nullptr, "/org/freedesktop/PolicyKit1/Authority",
                                 "org.freedesktop.PolicyKit1.Authority", kAuthority, nullptr);
  if (r >= 0) r = sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
  if (r >= 0) std::puts("ready");
  std::fflush(stdout);
  while (r >= 0) {
    r = sd_bus_process(bus, nullptr);
    if (r == 0) r = sd_bus_wait(bus, UINT64_MAX);
  }
  return EXIT_FAILURE;  // the bus has gone, or something is wrong
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  answer = argv[2];
  return serve(argv[1]);
}
