#include "daemon/bus_objects.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>

#include "daemon/bus_members.hpp"
#include "io/handle.hpp"

namespace mirrord {

namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};
using CString = std::unique_ptr<char, Free>;

int find_group(sd_bus*, const char* path, const char*, void* data, void** found, sd_bus_error*) {
  char* name = nullptr;
  int r = sd_bus_path_decode(path, "/org/mirrord1/group", &name);
  CString owned(name);
  if (r <= 0) return r;
  *found = const_cast<GroupStatus*>(service(data).status().group(name));
  return *found != nullptr;
}

int find_target(sd_bus*, const char* path, const char*, void* data, void** found, sd_bus_error*) {
  char* group = nullptr;
  char* target = nullptr;
  int r = sd_bus_path_decode_many(path, "/org/mirrord1/target/%/%", &group, &target);
  CString owned_group(group), owned_target(target);
  if (r <= 0) return r;
  *found = const_cast<TargetStatus*>(service(data).status().target(group, target));
  return *found != nullptr;
}

int enumerate(sd_bus*, const char*, void* data, char*** nodes, sd_bus_error* error) {
  return guarded(error, [&] {
    std::vector<std::string> paths;
    for (const GroupStatus& group : service(data).status().groups)
      paths.push_back(group_path(group.name));
    for (const TargetStatus& target : service(data).status().targets)
      paths.push_back(target_path(target.group, target.name));
    // sd-bus frees the strings and the array with free(3).
    char** list = static_cast<char**>(std::calloc(paths.size() + 1, sizeof(char*)));
    if (!list) return -ENOMEM;
    for (size_t i = 0; i < paths.size(); ++i) list[i] = ::strdup(paths[i].c_str());
    *nodes = list;
    return 0;
  });
}

}  // namespace

std::string group_path(const std::string& group) {
  char* path = nullptr;
  check(sd_bus_path_encode("/org/mirrord1/group", group.c_str(), &path), "encode a bus path");
  return CString(path).get();
}

std::string target_path(const std::string& group, const std::string& target) {
  char* path = nullptr;
  check(sd_bus_path_encode_many(&path, "/org/mirrord1/target/%/%", group.c_str(), target.c_str()),
        "encode a bus path");
  return CString(path).get();
}

int add_bus_objects(sd_bus* bus, BusService* service) {
  int r = sd_bus_add_object_manager(bus, nullptr, kRootPath);
  if (r >= 0)
    r = sd_bus_add_object_vtable(bus, nullptr, kRootPath, kManagerInterface, kManagerVtable,
                                 service);
  if (r >= 0)
    r = sd_bus_add_fallback_vtable(bus, nullptr, "/org/mirrord1/group", kGroupInterface,
                                   kGroupVtable, find_group, service);
  if (r >= 0)
    r = sd_bus_add_fallback_vtable(bus, nullptr, "/org/mirrord1/target", kTargetInterface,
                                   kTargetVtable, find_target, service);
  if (r >= 0) r = sd_bus_add_node_enumerator(bus, nullptr, kRootPath, enumerate, service);
  return r;
}

}  // namespace mirrord
