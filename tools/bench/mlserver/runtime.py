"""The benchmark's model in MLServer: the same ONNX file, the same runtime with one thread, one FP32 matrix in and one out."""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class OnnxModel(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(self.settings.parameters.uri, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        tensor = payload.inputs[0]
        rows = np.asarray(tensor.data.root, dtype=np.float32).reshape(tensor.shape)
        scores = self._session.run([self._output], {self._input: rows})[0]
        output = ResponseOutput(name=self._output, shape=list(scores.shape), datatype="FP32", data=scores.ravel().tolist())
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=[output])
