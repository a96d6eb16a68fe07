#include "io/notify.hpp"

#include "support/notify_socket.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "support/files.hpp"
#include "support/resource_limit.hpp"

namespace mirrord {
namespace {

using Assignments = std::vector<std::string>;

class Notify : public testing::Test {
 protected:
  Notify() { ::setenv("NOTIFY_SOCKET", socket.path().c_str(), 1); }
  ~Notify() override { ::unsetenv("NOTIFY_SOCKET"); }
  test::TempDir dir;
  test::NotifySocket socket{dir / "notify"};
};

TEST_F(Notify, SaysReadyAndStopping) {
  notify::ready();
  EXPECT_EQ(socket.assignments(), Assignments{"READY=1"});
  notify::stopping();
  EXPECT_EQ(socket.count("STOPPING=1"), 1u);
}

TEST_F(Notify, TellsAStatusOnceUntilItDiffers) {
  notify::status("1 of 2 targets in sync");
  notify::status("1 of 2 targets in sync");
  notify::status("2 of 2 targets in sync");
  EXPECT_EQ(socket.assignments(),
            (Assignments{"STATUS=1 of 2 targets in sync", "STATUS=2 of 2 targets in sync"}));
}

TEST_F(Notify, TellsWhyAStartFails) {
  notify::failed(ENOENT, "web.toml:1:1: no such thing\nweb.toml:2:1: nor this");
  EXPECT_EQ(socket.assignments(), (Assignments{"STATUS=web.toml:1:1: no such thing", "ERRNO=2"}));
}

TEST_F(Notify, NeedsNoDescriptorToSpare) {
  notify::status("before the last one was taken");
  {
    const test::ResourceLimit limit(RLIMIT_NOFILE, test::kNoMoreDescriptors);
    notify::alive();
  }
  EXPECT_EQ(socket.count("WATCHDOG=1"), 1u);
}

TEST_F(Notify, AReloadIsAPairOnEveryWayOut) {
  auto reload = [](bool fails) {
    notify::ReloadScope scope;
    if (fails) throw std::runtime_error("bad configuration");
  };
  reload(false);
  EXPECT_EQ(socket.count("RELOADING=1"), 1u);
  EXPECT_FALSE(socket.last("MONOTONIC_USEC").empty());
  EXPECT_EQ(socket.assignments().back(), "READY=1");
  EXPECT_THROW(reload(true), std::runtime_error);
  EXPECT_EQ(socket.count("RELOADING=1"), 2u);
  EXPECT_EQ(socket.count("READY=1"), 2u);
  EXPECT_EQ(socket.assignments().back(), "READY=1");
}

TEST(NotifyAlone, IsSilentWithoutAServiceManager) {
  ::unsetenv("NOTIFY_SOCKET");
  notify::ready();
  notify::ReloadScope scope;
  notify::stopping();
}

}  // namespace
}  // namespace mirrord
