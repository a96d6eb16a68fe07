// A target on a file system that does not answer, as NFS does not when its server is down: what
// asks it for anything waits without end. It must be nobody who serves others.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include "faults/fault_lab.hpp"

namespace mirrord::test {
namespace {

/// FUSE whose server says not even hello, fuse(4). Its end is the end of all that wait for it.
class SilentMount {
 public:
  explicit SilentMount(const fs::path& where)
      : where_(where), server_(::open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
    const std::string options =
        fmt::format("fd={},rootmode=40000,user_id={},group_id={}", server_, ::getuid(), ::getgid());
    mounted_ = ::mount("silent", where.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
  }
  ~SilentMount() {
    ::close(server_);
    if (mounted_) ::umount2(where_.c_str(), MNT_DETACH);
  }
  SilentMount(const SilentMount&) = delete;
  SilentMount& operator=(const SilentMount&) = delete;
  bool mounted() const { return mounted_; }

 private:
  fs::path where_;
  int server_;
  bool mounted_ = false;
};

class FaultMount : public FaultLab {};

TEST_F(FaultMount, ThatIsSilentHurtsItsTargetAlone) {
  if (!own_mounts()) GTEST_SKIP() << "a mount namespace is not allowed here";
  configure(
      {.targets = {local_target("victim"), target_on("host2", "far"), local_target("near")},
       .settings = std::string(kQuickRetry) + "standby = false\nrsync = { timeout = \"2s\" }\n"});
  start();
  ASSERT_TRUE(arrives("first sync", all));
  {
    const SilentMount silent(copy("victim"));
    if (!silent.mounted()) GTEST_SKIP() << "no FUSE here";
    append_file(source / "index.html", "for all of them\n");
    ASSERT_TRUE(wait_until([&] { return target_state("victim") != "idle"; }));
    EXPECT_TRUE(others_go_on());
    EXPECT_TRUE(wait_until([&] { return !last_error("victim").empty(); }));
  }
  EXPECT_TRUE(nothing_is_lost());
}

}  // namespace
}  // namespace mirrord::test
