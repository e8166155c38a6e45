"""DANet with the names of others, written from their state_dicts alone: the reference of the importers.

A ResNet with torchvision's names and a head in a dozen lines, in float32, with the N x N matrix
written out.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet50, resnet101


def conv_bn(channels_in: int, channels_out: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU())


class Backbone(nn.Module):
    """torchvision's dilated ResNet up to its last stage, with the ``fc`` that the authors carry along."""

    def __init__(
        self, depth: int, multi_grid: tuple[int, int, int] | None, fc: bool, deep_stem: bool = False
    ) -> None:
        super().__init__()
        resnet = {50: resnet50, 101: resnet101}[depth](replace_stride_with_dilation=[False, True, True])
        if deep_stem:
            self.stem = nn.Sequential(*three_convolutions())
        else:
            self.conv1, self.bn1 = resnet.conv1, resnet.bn1
        for name in ("layer1", "layer2", "layer3", "layer4"):
            setattr(self, name, getattr(resnet, name))
        if fc:
            self.fc = resnet.fc
        for block, dilation in zip(self.layer4, multi_grid or (), strict=False):
            block.conv2.dilation = block.conv2.padding = (dilation, dilation)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images) if hasattr(self, "stem") else self.bn1(self.conv1(images)).relu()
        features = F.max_pool2d(features, 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(features))))


def three_convolutions() -> list[nn.Module]:
    """mmsegmentation's ``ResNetV1c``: 3x3 convolutions to 32, 32 and 64 channels in place of one of 7x7."""
    return [
        *(nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
    ]


class AuthorsHead(nn.Module):
    """The names of encoding/models/danet.py."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv5a, self.conv5c = conv_bn(2048, 512), conv_bn(2048, 512)
        self.conv51, self.conv52 = conv_bn(512, 512), conv_bn(512, 512)
        self.sa, self.sc = nn.Module(), nn.Module()
        self.sa.query_conv, self.sa.key_conv = nn.Conv2d(512, 64, 1), nn.Conv2d(512, 64, 1)
        self.sa.value_conv = nn.Conv2d(512, 512, 1)
        self.sa.gamma, self.sc.gamma = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
        for name in ("conv6", "conv7", "conv8"):
            setattr(self, name, nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(512, classes, 1)))

    def forward(self, features: Tensor) -> list[Tensor]:
        sa, sc = self.sa, self.sc
        position = self.conv5a(features)
        query, key, value = sa.query_conv(position), sa.key_conv(position), sa.value_conv(position)
        position = self.conv51(sa.gamma * gather_positions(query, key, value) + position)
        channel = self.conv5c(features)
        channel = self.conv52(sc.gamma * gather_channels(channel) + channel)
        return [self.conv8(position + channel), self.conv6(position), self.conv7(channel)]


class ConvModule(nn.Module):
    """A convolution with batch normalisation and ReLU, under mmcv's names."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, 512, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(512)

    def forward(self, features: Tensor) -> Tensor:
        return self.bn(self.conv(features)).relu()


class MmsegmentationHead(nn.Module):
    """The names of mmseg/models/decode_heads/da_head.py."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.pam_in_conv, self.cam_in_conv = ConvModule(2048), ConvModule(2048)
        self.pam_out_conv, self.cam_out_conv = ConvModule(512), ConvModule(512)
        self.pam, self.cam = nn.Module(), nn.Module()
        self.pam.query_project, self.pam.key_project = nn.Conv2d(512, 64, 1), nn.Conv2d(512, 64, 1)
        self.pam.value_project = nn.Conv2d(512, 512, 1)
        for module in (self.pam, self.cam):
            module.gamma = nn.Module()
            module.gamma.scale = nn.Parameter(torch.tensor(0.0))
        for name in ("conv_seg", "pam_conv_seg", "cam_conv_seg"):
            setattr(self, name, nn.Conv2d(512, classes, 1))

    def forward(self, features: Tensor) -> list[Tensor]:
        pam = self.pam
        position = self.pam_in_conv(features)
        query, key, value = (
            pam.query_project(position),
            pam.key_project(position),
            pam.value_project(position),
        )
        position = self.pam_out_conv(pam.gamma.scale * gather_positions(query, key, value) + position)
        channel = self.cam_in_conv(features)
        channel = self.cam_out_conv(self.cam.gamma.scale * gather_channels(channel) + channel)
        return [self.conv_seg(position + channel), self.pam_conv_seg(position), self.cam_conv_seg(channel)]


def gather_positions(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    weights = torch.einsum("bchw,bcyx->bhwyx", query, key).flatten(3).softmax(-1)  # (B, H, W, N)
    return torch.einsum("bhwn,bcn->bchw", weights, value.flatten(2))


def gather_channels(features: Tensor) -> Tensor:
    energy = torch.einsum("bchw,bdhw->bcd", features, features)
    weights = (energy.amax(-1, keepdim=True) - energy).softmax(-1)
    return torch.einsum("bcd,bdhw->bchw", weights, features)


class AuthorsDANet(nn.Module):
    """The names of the authors' DANet; forward gives the three outputs at the size of the images."""

    def __init__(self, depth: int, classes: int, multi_grid: tuple[int, int, int] | None = None) -> None:
        super().__init__()
        self.pretrained = Backbone(depth, multi_grid, fc=True)
        self.head = AuthorsHead(classes)

    def forward(self, images: Tensor) -> list[Tensor]:
        return upsampled(self.head(self.pretrained(images)), images)


class MmsegmentationDANet(nn.Module):
    """The names of mmsegmentation's DANet on ResNetV1 or V1c, with the auxiliary head that only trains."""

    def __init__(
        self,
        depth: int,
        classes: int,
        multi_grid: tuple[int, int, int] | None = None,
        deep_stem: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = Backbone(depth, multi_grid, fc=False, deep_stem=deep_stem)
        self.decode_head = MmsegmentationHead(classes)
        self.auxiliary_head = nn.Module()
        self.auxiliary_head.conv_seg = nn.Conv2d(256, classes, 1)

    def forward(self, images: Tensor) -> list[Tensor]:
        return upsampled(self.decode_head(self.backbone(images)), images)


def upsampled(outputs: list[Tensor], images: Tensor) -> list[Tensor]:
    size = images.shape[-2:]
    return [F.interpolate(output, size, mode="bilinear", align_corners=True) for output in outputs]


def trained(network: nn.Module) -> nn.Module:
    """Values as after a training: no statistic at its start, attention switched on, features of order one."""
    random = torch.Generator().manual_seed(5)
    for name, tensor in network.state_dict().items():
        if name.endswith(("gamma", "gamma.scale")):
            tensor.fill_(0.7)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.1, generator=random)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=random)
        elif name.endswith("num_batches_tracked"):
            tensor.fill_(1000)
        elif name.endswith("bn3.weight"):
            tensor.fill_(0.2)
    return network.eval()
