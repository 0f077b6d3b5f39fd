def device_tree_files(system): return {}
