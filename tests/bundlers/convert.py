# Stand-ins for torch and safetensors, with what the sample of README.md uses of them: tensors are lists of numbers.
#   python3 convert.py SAMPLE, in a folder with model.json
import json, struct, sys, types


class Tensor:
    def __init__(self, shape, numbers, contiguous=False):
        self.shape, self.numbers, self.is_contiguous = shape, numbers, contiguous

    def float(self):
        return self

    def clone(self):
        return Tensor(self.shape, list(self.numbers))

    def contiguous(self):
        return Tensor(self.shape, self.numbers, True)


class Model:
    def state_dict(self):
        with open('model.json') as file:
            return {name: Tensor(**tensor) for name, tensor in json.load(file).items()}


def load(path, map_location, weights_only):
    assert (path, map_location, weights_only) == ('model.pt', 'cpu', False)
    return Model()


def save_file(tensors, path):
    header, data = {}, b''
    for name, tensor in tensors.items():
        assert tensor.is_contiguous, name
        packed = struct.pack(f'<{len(tensor.numbers)}f', *tensor.numbers)
        header[name] = {'dtype': 'F32', 'shape': tensor.shape, 'data_offsets': [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + data)


for name, functions in {'torch': [load], 'safetensors': [], 'safetensors.torch': [save_file]}.items():
    module = sys.modules[name] = types.ModuleType(name)
    for function in functions:
        setattr(module, function.__name__, function)
exec(open(sys.argv[1]).read())
