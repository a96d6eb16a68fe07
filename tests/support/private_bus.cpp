#include "support/private_bus.hpp"

#include <stdexcept>

#include "support/files.hpp"

namespace mirrord::test {
namespace {

/// Without the eavesdrop rules dbus-daemon rejects every reply.
constexpr auto* kConfig = R"(<busconfig>
  <type>session</type>
  <listen>@ADDRESS@</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
)";

}  // namespace

PrivateBus::PrivateBus(std::filesystem::path directory) : directory_(std::move(directory)) {
  fs::create_directories(directory_);
  write_file(directory_ / "bus.conf", filled(kConfig, {{"ADDRESS", address()}}));
  daemon_.emplace(
      Child::Command{.arguments = {"dbus-daemon", "--nofork", "--nopidfile", "--print-address",
                                   "--config-file=" + (directory_ / "bus.conf").native()},
                     .output = directory_ / "log"});
  const auto listens = [this] { return daemon_->output().starts_with(address()); };
  wait_until([&] { return listens() || !daemon_->running(); });
  if (!listens()) throw std::runtime_error("dbus-daemon does not start: " + daemon_->output());
}

}  // namespace mirrord::test
