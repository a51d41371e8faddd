"""open_clip without compiler, timm, transformers: no model is worse for it, and all can be had."""

import subprocess
import sys

CODE = """
import sys
from embeddings import tiny
from embeddings.openclip import open_clip

left_out = {"torch._dynamo", "torch._inductor", "sympy", "timm", "transformers"}
left_out -= set(sys.modules)
tiny.register_tiny()
model = open_clip.create_model(tiny.TINY, pretrained=str(tiny.TINY_WEIGHTS))
size = model.encode_text(open_clip.get_tokenizer(tiny.TINY)(["a red car"])).shape[1]

from open_clip.timm_model import TimmModel
from embeddings.openclip import want_timm, want_transformers
want_timm()
want_transformers()
left_out -= {"timm", "transformers"} - set(sys.modules)
from open_clip import hf_model
assert issubclass(hf_model.BaseModelOutputWithPooling, hf_model.transformers.utils.ModelOutput)
tower = TimmModel("resnet10t", 16, image_size=64, pool="rot_attn", proj="").eval()

import timm, torch, torchvision
assert tower(torch.ones(1, 3, 64, 64)).shape == (1, 16)
block = timm.create_model("resnet18", pretrained=False, num_classes=3).eval()
box = torchvision.ops.roi_align(torch.ones(1, 1, 8, 8), [torch.tensor([[0.0, 0, 4, 4]])], 2)
torch._dynamo.reset()
print(len(left_out), size, block(torch.ones(1, 3, 64, 64)).shape[1], float(box.sum()))
"""


def test_the_compiler_is_left_out_and_can_be_had() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["5", "512", "3", "4.0"]
